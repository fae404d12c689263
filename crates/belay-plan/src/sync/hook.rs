//! Hooks: objects that run at a point of a sync, Argo CD's own and Helm's.

use belay_manifest::Object;

use super::annotations::words;

const HOOK: &str = "argocd.argoproj.io/hook";
const HELM_HOOK: &str = "helm.sh/hook";

/// What keeps a hook until its sync has seen how it ended.
pub const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";

/// Which try of which sync made a hook. Only ours have it, for a process that died before it had noted that it made them.
pub const HOOK_MARK: &str = "belay.dev/sync";

/// A part of a sync. They follow each other; the last one only after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before anything is applied.
    PreSync,
    /// Objects, and hooks that run beside them.
    Sync,
    /// After everything is healthy.
    PostSync,
    /// After a failure.
    SyncFail,
}

impl Phase {
    /// The name in annotations and status.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::PreSync => "PreSync",
            Phase::Sync => "Sync",
            Phase::PostSync => "PostSync",
            Phase::SyncFail => "SyncFail",
        }
    }

    /// The phase of this name.
    pub fn parse(name: &str) -> Option<Phase> {
        [Phase::PreSync, Phase::Sync, Phase::PostSync, Phase::SyncFail]
            .into_iter()
            .find(|phase| phase.as_str() == name)
    }
}

/// When a hook is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletePolicy {
    /// Before the next one of its name is made. The default.
    BeforeHookCreation,
    /// Once the sync has succeeded.
    HookSucceeded,
    /// Once the sync has failed.
    HookFailed,
}

/// A name in Argo CD's annotation.
fn is_type(word: &str) -> bool {
    matches!(word, "PreSync" | "Sync" | "PostSync" | "SyncFail" | "Skip" | "PreDelete" | "PostDelete")
}

/// The hook types of an object in Argo CD's words; Helm's count only when there are none of Argo CD's.
fn types(object: &Object) -> Vec<&str> {
    let own: Vec<&str> = words(object, HOOK).filter(|word| is_type(word)).collect();
    if !own.is_empty() {
        return own;
    }
    words(object, HELM_HOOK)
        .filter_map(|word| match word {
            "pre-install" | "pre-upgrade" => Some("PreSync"),
            "post-install" | "post-upgrade" => Some("PostSync"),
            _ => None,
        })
        .collect()
}

/// Whether the object is not applied at all.
pub fn is_skipped(object: &Object) -> bool {
    let types = types(object);
    types.contains(&"Skip") && types.iter().all(|word| *word == "Skip")
}

/// Whether the object is a hook: it is not part of the desired state and never out of sync.
pub fn is_hook(object: &Object) -> bool {
    match object.annotation(HOOK) {
        Some(_) => !is_skipped(object),
        // Helm marks definitions as hooks; they are none.
        None => object.annotation(HELM_HOOK).is_some_and(|value| value != "crd-install"),
    }
}

/// The phases of a sync in which the hook runs; none for one that only runs at deletion, or never.
pub fn hook_phases(object: &Object) -> Vec<Phase> {
    let mut phases: Vec<Phase> = types(object).into_iter().filter_map(Phase::parse).collect();
    phases.sort();
    phases.dedup();
    phases
}

/// Whether any part of a sync runs the hook.
pub fn runs_in_sync(object: &Object) -> bool {
    !hook_phases(object).is_empty()
}

/// Whether the hook runs before an app's objects are deleted with it.
pub fn is_pre_delete(object: &Object) -> bool {
    words(object, HOOK).any(|word| word == "PreDelete")
        || words(object, HELM_HOOK).any(|word| word == "pre-delete")
}

/// Whether the hook runs after an app's objects were deleted with it.
pub fn is_post_delete(object: &Object) -> bool {
    words(object, HOOK).any(|word| word == "PostDelete")
        || words(object, HELM_HOOK).any(|word| word == "post-delete")
}

/// When the hook is deleted.
pub fn delete_policies(object: &Object) -> Vec<DeletePolicy> {
    let own = words(object, "argocd.argoproj.io/hook-delete-policy").filter_map(|word| match word {
        "BeforeHookCreation" => Some(DeletePolicy::BeforeHookCreation),
        "HookSucceeded" => Some(DeletePolicy::HookSucceeded),
        "HookFailed" => Some(DeletePolicy::HookFailed),
        _ => None,
    });
    let helm = words(object, "helm.sh/hook-delete-policy").filter_map(|word| match word {
        "before-hook-creation" => Some(DeletePolicy::BeforeHookCreation),
        "hook-succeeded" => Some(DeletePolicy::HookSucceeded),
        "hook-failed" => Some(DeletePolicy::HookFailed),
        _ => None,
    });
    let policies: Vec<DeletePolicy> = own.chain(helm).collect();
    if policies.is_empty() { vec![DeletePolicy::BeforeHookCreation] } else { policies }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(annotations: serde_json::Value) -> Object {
        Object::new(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "annotations": annotations}}))
            .unwrap()
    }

    #[test]
    fn own_types_come_before_helms_and_unknown_ones_make_a_hook_that_never_runs() {
        let phases = |annotations| {
            let object = object(annotations);
            (is_hook(&object), hook_phases(&object))
        };
        assert_eq!(phases(json!({})), (false, vec![]));
        assert_eq!(phases(json!({HOOK: "PostSync, PreSync"})), (true, vec![Phase::PreSync, Phase::PostSync]));
        assert_eq!(phases(json!({HELM_HOOK: "pre-install,pre-upgrade"})), (true, vec![Phase::PreSync]));
        assert_eq!(phases(json!({HELM_HOOK: "post-rollback"})), (true, vec![]));
        assert_eq!(phases(json!({HELM_HOOK: "crd-install"})), (false, vec![]));
        assert_eq!(phases(json!({HOOK: "Sync", HELM_HOOK: "post-install"})), (true, vec![Phase::Sync]));
        assert_eq!(
            phases(json!({HOOK: "Nonsense", HELM_HOOK: "post-install"})),
            (true, vec![Phase::PostSync])
        );
        assert_eq!(phases(json!({HOOK: "Nonsense"})), (true, vec![]));
        assert_eq!(phases(json!({HOOK: "Skip"})), (false, vec![]));
        assert_eq!(phases(json!({HOOK: "Skip,Sync"})), (true, vec![Phase::Sync]));
    }

    #[test]
    fn delete_policies_of_both_families() {
        let policies = |annotations| delete_policies(&object(annotations));
        assert_eq!(policies(json!({})), [DeletePolicy::BeforeHookCreation]);
        assert_eq!(
            policies(
                json!({"argocd.argoproj.io/hook-delete-policy": "HookSucceeded", "helm.sh/hook-delete-policy": "hook-failed"})
            ),
            [DeletePolicy::HookSucceeded, DeletePolicy::HookFailed]
        );
    }
}
