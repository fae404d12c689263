//! Texts with known values.

use belay_crd::open_enum;

open_enum! {
    /// What happens to the applied objects when a Kustomization is deleted.
    pub enum DeletionPolicy {
        MirrorPrune = "MirrorPrune",
        Delete = "Delete",
        WaitForTermination = "WaitForTermination",
        Orphan = "Orphan",
    }

    /// What happens to the CRDs of a chart.
    pub enum CrdsPolicy { Skip = "Skip", Create = "Create", CreateReplace = "CreateReplace" }

    /// When a chart is packaged again.
    pub enum ReconcileStrategy { ChartVersion = "ChartVersion", Revision = "Revision" }

    /// Whether a condition holds.
    pub enum ConditionStatus { True = "True", False = "False", Unknown = "Unknown" }
}
