//! A cluster seen from outside: which kinds it has, what is live in it, a queue of work, and who does which part
//! of it.
//!
//! Live state comes from watches and is asked for only once; see [`LiveState`].

mod answers;
mod connect;
mod events;
mod exec;
mod impersonate;
mod kinds;
mod kubeconfig;
mod leftovers;
mod live;
mod looks;
mod measured;
mod paced;
mod plain;
mod queue;
mod replicas;
mod simulation;
mod unbuilt;

pub use answers::Answers;
pub use connect::{Clients, ConnectError, Connection, connect};
pub use events::{EventRecorder, Severity};
pub use exec::ExecLogin;
pub use impersonate::{impersonate, service_account};
pub use kinds::{KindError, Kinds, Resource, Scope};
pub use kubeconfig::KubeconfigError;
pub use leftovers::{LeftoverSearch, Owners};
pub use live::{Belonging, Change, LiveError, LiveState, Reach, UnderWay, is_trimmed};
pub use looks::{Looks, RunningLook, step};
pub use measured::{for_app, measured};
pub use paced::paced;
pub use plain::PlainObject;
pub use queue::WorkQueue;
pub use replicas::{Closed, Gate, Replica, ReplicaSettings, ReplicaSettingsError, Share, ShareChanges};
pub use simulation::{Simulation, aside, now, simulate};
pub use unbuilt::{NOT_SUPPORTED, StatusOf, Teller, Unbuilt};
