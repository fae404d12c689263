//! A Kubernetes API server in process: for the demo, for tests, for people.
//!
//! ```text
//! HTTPS, HTTP ── serve ─┐
//! tests ── (faults) ────┴─ service ── api ─┬─ discovery, read, watch, table
//!                                          └─ write, delete, scale (belay-schema) ── cluster ── store
//!                                             └─ admission (webhooks)
//!                                             controllers ──────────────────────────────┘
//! ```

mod access;
mod admission;
mod allocate;
mod api;
mod backup;
mod body;
mod clock;
mod cluster;
mod controllers;
mod delete;
mod discovery;
pub mod faults;
mod object;
mod openapi_protobuf;
mod persist;
mod protobuf;
mod random;
mod read;
mod request;
mod resources;
mod scale;
mod selectors;
mod serve;
mod service;
mod status;
mod store;
mod strategy;
mod subresources;
mod table;
mod tokens;
mod watch;
mod write;

pub use admission::WebhookAnswer;
pub use backup::Backup;
pub use clock::Clock;
pub use persist::DataError;
pub use serve::{Options, Running, StartError};
pub use service::{KubeService, LocalKube, ResponseBody, Settings};
pub use status::ApiError;
