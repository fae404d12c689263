//! Numbers about a running Belay, under the names that Argo CD's and Flux's dashboards ask for, and some of our own.
//!
//! - [`Metrics`] counts what happens. What it counts of an app goes with the app.
//! - [`Gauge`] is what somebody knows when asked: the state of apps and clusters is not kept twice.
//! - [`FAMILIES`] names all of them: name, type, labels.

mod families;
mod gauge;
mod metrics;
mod per_app;

pub use families::{FAMILIES, Family, Type, family};
pub use gauge::Gauge;
pub use metrics::{AppName, ClusterState, KubernetesRequest, Metrics};
