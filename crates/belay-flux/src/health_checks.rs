//! `spec.healthCheckExprs`: the health of a kind by conditions that people wrote.

use std::collections::HashMap;

use belay_flux_api::CustomHealthCheck;
use belay_health::kstatus::Status;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_schema::{Expression, ExpressionError};
use serde_json::Value;

/// The conditions of all kinds that have some.
#[derive(Debug, Default)]
pub(crate) struct HealthChecks {
    /// By group and kind; an empty kind stands for a whole group.
    checks: HashMap<(String, String), Conditions>,
}

#[derive(Debug)]
struct Conditions {
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

/// What is wrong with the checks, in the original's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("duplicate custom health check for GroupKind {kind} at healthchecks[{position}]")]
    Duplicate { kind: String, position: usize },
    #[error(
        "failed to create custom status evaluator for healthchecks[{position}]: expression Current not specified"
    )]
    NoCurrent { position: usize },
    #[error(
        "failed to create custom status evaluator for healthchecks[{position}]: failed to parse the expression {name}"
    )]
    Parse {
        position: usize,
        name: &'static str,
        #[source]
        source: ExpressionError,
    },
}

impl HealthChecks {
    /// Reads the checks of a spec.
    pub(crate) fn read(checks: &[CustomHealthCheck]) -> Result<HealthChecks, CheckError> {
        let mut read = HealthChecks::default();
        for (position, check) in checks.iter().enumerate() {
            let group = GroupVersionKind::new(&check.api_version, &check.kind).group;
            let conditions = conditions(check, position)?;
            let shown = match (check.kind.as_str(), group.as_str()) {
                (kind, "") => kind.to_owned(),
                (kind, group) => format!("{kind}.{group}"),
            };
            if read.checks.insert((group, check.kind.clone()), conditions).is_some() {
                return Err(CheckError::Duplicate { kind: shown, position });
            }
        }
        Ok(read)
    }

    /// The status of a live object whose kind has checks of its own; else nothing. An error is the text of one that
    /// cannot be asked.
    pub(crate) fn status(&self, key: &ObjectKey, object: &Object) -> Option<Result<Status, String>> {
        let of = |kind: &str| self.checks.get(&(key.group.clone(), kind.to_owned()));
        let conditions = of(&key.kind).or_else(|| of(""))?;
        Some(conditions.status(object.value()).map_err(|error| error.to_string()))
    }
}

fn conditions(check: &CustomHealthCheck, position: usize) -> Result<Conditions, CheckError> {
    let read = |name: &'static str, text: &str| {
        Expression::compile(text, None).map_err(|source| CheckError::Parse { position, name, source })
    };
    let optional =
        |name: &'static str, text: &str| if text.is_empty() { Ok(None) } else { read(name, text).map(Some) };
    if check.current.is_empty() {
        return Err(CheckError::NoCurrent { position });
    }
    Ok(Conditions {
        current: read("Current", &check.current)?,
        failed: optional("Failed", &check.failed)?,
        in_progress: optional("InProgress", &check.in_progress)?,
    })
}

impl Conditions {
    fn status(&self, object: &Value) -> Result<Status, ExpressionError> {
        let number = |path: &str| object.pointer(path).and_then(Value::as_i64);
        if let (Some(observed), Some(generation)) =
            (number("/status/observedGeneration"), number("/metadata/generation"))
            && observed != generation
        {
            return Ok(Status::InProgress);
        }
        let ordered = [
            (self.in_progress.as_ref(), Status::InProgress),
            (self.failed.as_ref(), Status::Failed),
            (Some(&self.current), Status::Current),
        ];
        let fields = || object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        for (condition, status) in ordered {
            if let Some(condition) = condition
                && condition.holds(fields())?
            {
                return Ok(status);
            }
        }
        Ok(Status::InProgress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    fn checks(checks: Value) -> Result<HealthChecks, String> {
        let checks: Vec<CustomHealthCheck> = checks
            .as_array()
            .unwrap()
            .iter()
            .map(|check| CustomHealthCheck::read(check.clone()).unwrap())
            .collect();
        HealthChecks::read(&checks).map_err(|error| belay_causes::chain(&error))
    }

    fn thing(status: Value) -> Object {
        Object::new(json!({"apiVersion": "x.dev/v1", "kind": "Thing",
            "metadata": {"name": "a", "generation": 2}, "status": status}))
        .unwrap()
    }

    #[test]
    fn conditions_are_asked_in_order_and_of_what_is_observed() {
        let checks = checks(json!([{"apiVersion": "x.dev/v1beta1", "kind": "Thing",
            "inProgress": "status.phase == 'Working'", "failed": "has(status.error)", "current": "status.phase == 'Done'"}]))
        .unwrap();
        let ask = |status: Value| {
            let thing = thing(status);
            checks.status(&thing.key(), &thing).unwrap()
        };
        assert_eq!(ask(json!({"phase": "Working", "error": "x"})), Ok(Status::InProgress));
        assert_eq!(ask(json!({"phase": "Done", "error": "x"})), Ok(Status::Failed));
        assert_eq!(ask(json!({"phase": "Done"})), Ok(Status::Current));
        assert_eq!(ask(json!({"phase": "Else"})), Ok(Status::InProgress));
        assert_eq!(ask(json!({"phase": "Done", "observedGeneration": 1})), Ok(Status::InProgress));
        assert!(ask(json!({})).unwrap_err().contains("no such key: phase"));
    }

    #[test]
    fn a_kind_goes_before_its_group() {
        let checks = checks(json!([
            {"apiVersion": "x.dev/v1", "current": "false"},
            {"apiVersion": "x.dev/v1", "kind": "Thing", "current": "true"}]))
        .unwrap();
        let thing = thing(json!({}));
        assert_eq!(checks.status(&thing.key(), &thing), Some(Ok(Status::Current)));
        let other = ObjectKey { kind: "Other".into(), ..thing.key() };
        assert_eq!(checks.status(&other, &thing), Some(Ok(Status::InProgress)));
        let foreign = ObjectKey { group: "y.dev".into(), ..thing.key() };
        assert_eq!(checks.status(&foreign, &thing), None);
    }

    #[test]
    fn what_cannot_be_read_is_named_in_the_originals_words() {
        let twice = json!([{"apiVersion": "x.dev/v1", "kind": "Thing", "current": "true"},
            {"apiVersion": "x.dev/v2", "kind": "Thing", "current": "true"}]);
        assert_eq!(
            checks(twice).unwrap_err(),
            "duplicate custom health check for GroupKind Thing.x.dev at healthchecks[1]"
        );
        let broken =
            checks(json!([{"apiVersion": "v1", "kind": "Pod", "current": "true", "failed": "status."}]));
        let start = "failed to create custom status evaluator for healthchecks[0]: failed to parse the expression Failed: failed to parse the CEL expression 'status.': ";
        assert!(broken.as_ref().unwrap_err().starts_with(start), "{broken:?}");
    }
}
