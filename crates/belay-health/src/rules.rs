//! Health of custom kinds, as data: one file of rules per API group in `rules/`.
//!
//! ```text
//! # a comment
//! Certificate CertificateRequest                     the kinds; `*` for all of the group
//!   Progressing  Issuing=True -> {message}           a rule: status, tests, message
//!   each .status.conditions                          the rules below, for each item in turn
//!     Degraded   Ready=False reason!=Waiting -> {message|reason|"no reason"}
//!   Healthy      .status.ready>=.spec.replicas|1
//!   Progressing  -> Waiting for certificate
//! Cluster
//!   lua cluster.lua                                  what a table cannot say
//! ```
//! The first rule whose tests all hold decides. A test is
//! - `Type=A,B`: a condition of that type has one of these statuses (in `each`: of the item's `conditions`, or the item
//!   itself when the items are conditions); a type that does not begin with a capital is quoted;
//! - `path`, `#path` (how many), each with a comparison (`=`, `!=`, `<`, `<=`, `>`, `>=`) to values or a path, or alone: it
//!   is there and not false. `.a."b/c"` begins at the object, `a.b` at the item; `|` gives a value where there is none;
//! - any of them after `!`: it does not hold.
//!
//! A message names paths in braces; `{Ready.reason}` is of the condition of that type. The item that `message` stands in
//! is the condition of the last test that found one.

mod decide;
mod library;
mod parse;

use belay_manifest::Object;

use crate::argo::Health;

/// What the rules say about an object; `None` when there are none for its kind.
pub(crate) fn evaluate(object: &Object) -> Option<Health> {
    library::find(&object.gvk().group, object.kind()).and_then(|rules| decide::decide(rules, object.value()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::argo;

    /// `cases/` holds, per group, objects and what Argo CD's scripts say of them; recorded by the example
    /// `compare_rules DIR record cases`.
    #[test]
    fn cases_are_judged_as_recorded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let (mut count, mut different) = (0, Vec::new());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let list = belay_goyaml::to_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for case in list.as_array().unwrap() {
                let object = Object::new(case["object"].clone()).unwrap();
                let health = argo::evaluate(&object);
                let said = health.as_ref().map(|health| (health.status.as_str(), health.message.as_str()));
                let recorded = case["status"].as_str().zip(case["message"].as_str());
                if said != recorded {
                    different.push(format!("{}: {said:?}, recorded {recorded:?}", case["object"]));
                }
                count += 1;
            }
        }
        assert!(different.is_empty(), "{}", different.join("\n"));
        assert!(count > 500, "{count} cases");
    }

    #[test]
    fn every_group_has_cases() {
        for group in library::groups() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("cases/{group}.yaml"));
            assert!(file.exists(), "{}", file.display());
        }
    }
}
