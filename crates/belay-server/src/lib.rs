//! The HTTP side of Belay: a small REST API, one event stream, webhooks and the web UI.
//!
//! ```text
//! browser ── guard (Host, Origin, token) ── api ───── dyn Engine ── live state, API server
//!                                      ├── stream ──┘
//! GitHub, GitLab ── webhook ────────────┘
//! ```
//! [`Engine`] is all that the routes know of the rest; [`LiveEngine`] is the one over a cluster.

mod action;
mod api;
mod app;
mod assets;
mod audit;
mod body;
mod connections;
mod detail;
mod engine;
mod guard;
mod list;
mod live;
mod probes;
mod serve;
mod shown;
mod stream;
mod webhook;

pub use action::{Accepted, ActError, Action, Preview};
pub use app::{AppKind, AppRef, AppSummary, Family, Health, Revision, Source, Sync, UnknownAppKind};
pub use audit::Audited;
pub use connections::serve;
pub use detail::{
    AppDetail, Condition, Edge, Event, FieldDifference, HistoryEntry, Manager, ResourceDetail, Tree, TreeNode,
};
pub use engine::{Engine, Push, Readiness, SecretsUnknown, TooManyPushes, WebhookSecrets};
pub use list::{AppList, ListQuery, list};
pub use live::{DesiredState, LiveEngine, LiveSettings, NothingDesired, Reader, source_of, summary};
pub use serve::{Settings, metrics_router, public_router, router};
