//! Texts with known values.

use belay_crd::open_enum;

open_enum! {
    /// Whether live equals desired.
    pub enum SyncStatusCode { Synced = "Synced", OutOfSync = "OutOfSync", Unknown = "Unknown" }

    /// How well an object or an Application is.
    pub enum HealthStatusCode {
        Healthy = "Healthy",
        Progressing = "Progressing",
        Degraded = "Degraded",
        Suspended = "Suspended",
        Missing = "Missing",
        Unknown = "Unknown",
    }

    /// How far an operation has come.
    pub enum OperationPhase {
        Running = "Running",
        Terminating = "Terminating",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Error = "Error",
    }

    /// What a sync did with one object.
    pub enum ResultCode {
        Synced = "Synced",
        SyncFailed = "SyncFailed",
        Pruned = "Pruned",
        PruneSkipped = "PruneSkipped",
    }

    /// What a sync window does while it is open.
    pub enum SyncWindowKind { Allow = "allow", Deny = "deny" }
}
