//! One webhook of a configuration, and what it wants to be asked about.

use std::sync::Arc;

use belay_schema::Expression;
use serde_json::Value;

use super::call::Call;
use super::review;
use super::{Operation, Stage, internal};
use crate::cluster::State;
use crate::object::{at, items, name, namespace, text};
use crate::request::Target;
use crate::selectors::{Selector, label_selector_text};
use crate::status::ApiError;
use crate::store::GroupResource;

const GROUP: &str = "admissionregistration.k8s.io";

/// A webhook.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) stage: Stage,
    /// The name of its configuration.
    pub(super) configuration: String,
    whole: Arc<Value>,
    place: usize,
}

/// What a webhook is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) operation: Operation,
    pub(super) object: Option<&'a Value>,
    pub(super) old: Option<&'a Value>,
}

/// The webhooks of a stage, by the names of their configurations. Nobody is asked about the configurations themselves.
pub(super) fn hooks(state: &State, target: &Target, stage: Stage) -> Vec<Hook> {
    if target.definition.group == GROUP {
        return Vec::new();
    }
    let resource = match stage {
        Stage::Mutating => "mutatingwebhookconfigurations",
        Stage::Validating => "validatingwebhookconfigurations",
    };
    let mut found = Vec::new();
    for whole in state.store.list(&GroupResource::new(GROUP, resource), "") {
        for place in 0..items(whole, &["webhooks"]).len() {
            let configuration = name(whole).to_owned();
            found.push(Hook { stage, configuration, whole: whole.clone(), place });
        }
    }
    found
}

impl Hook {
    fn value(&self) -> &Value {
        &self.whole["webhooks"][self.place]
    }

    pub(super) fn name(&self) -> &str {
        text(self.value(), &["name"])
    }

    /// Whether a write fails when it cannot be asked.
    pub(super) fn is_needed(&self) -> bool {
        text(self.value(), &["failurePolicy"]) != "Ignore"
    }

    /// Whether it may be asked about what will not happen.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(text(self.value(), &["sideEffects"]), "None" | "NoneOnDryRun")
    }

    /// The version in which it wants to see the object, if it wants to be asked.
    pub(super) fn meets(
        &self,
        state: &State,
        target: &Target,
        subject: &Subject<'_>,
    ) -> Result<Option<String>, ApiError> {
        let Some(version) = self.version(target, subject.operation) else { return Ok(None) };
        if !self.selects_namespace(state, target, subject)? || !self.selects_object(subject)? {
            return Ok(None);
        }
        if !matches!(target.subresource.as_str(), "" | "status") {
            let what = format!("{}/{}", target.definition.resource, target.subresource);
            return Err(ApiError::not_supported(&format!("asking webhooks about {what}")));
        }
        Ok(self.conditions_hold(target, subject)?.then_some(version))
    }

    /// The version of the request if a rule names it, else another of the same resource.
    fn version(&self, target: &Target, operation: Operation) -> Option<String> {
        let named = |version: &str| {
            items(self.value(), &["rules"]).iter().any(|rule| is_named(rule, target, version, operation))
        };
        if named(&target.version) {
            return Some(target.version.clone());
        }
        if text(self.value(), &["matchPolicy"]) == "Exact" {
            return None;
        }
        let mut others = target.definition.versions.iter().map(|version| &version.version);
        others.find(|version| named(version)).cloned()
    }

    /// Namespaces by their own labels, what is in one by the labels of that; what is in none is always meant.
    fn selects_namespace(
        &self,
        state: &State,
        target: &Target,
        subject: &Subject<'_>,
    ) -> Result<bool, ApiError> {
        let selector = selector(self.value(), "namespaceSelector")?;
        if selector.is_empty() {
            return Ok(true);
        }
        let definition = &target.definition;
        if definition.group.is_empty() && definition.resource == "namespaces" {
            let labelled = subject.object.or(subject.old);
            return Ok(labelled.is_some_and(|labelled| selector.matches(labelled)));
        }
        if !definition.namespaced {
            return Ok(true);
        }
        let space = subject.object.or(subject.old).map(namespace).unwrap_or(&target.namespace);
        let found = state.store.get(&GroupResource::new("", "namespaces"), "", space);
        Ok(found.is_some_and(|labelled| selector.matches(labelled)))
    }

    fn selects_object(&self, subject: &Subject<'_>) -> Result<bool, ApiError> {
        let selector = selector(self.value(), "objectSelector")?;
        let mut shown = subject.object.into_iter().chain(subject.old);
        Ok(selector.is_empty() || shown.any(|object| selector.matches(object)))
    }

    fn conditions_hold(&self, target: &Target, subject: &Subject<'_>) -> Result<bool, ApiError> {
        let conditions = items(self.value(), &["matchConditions"]);
        if conditions.is_empty() {
            return Ok(true);
        }
        let request = review::attributes(target, subject);
        let null = Value::Null;
        for condition in conditions {
            let variables = [
                ("object", subject.object.unwrap_or(&null)),
                ("oldObject", subject.old.unwrap_or(&null)),
                ("request", &request),
            ];
            let names = variables.map(|(name, _)| name);
            let held = Expression::compile(text(condition, &["expression"]), Some(&names))
                .and_then(|expression| expression.holds(variables));
            match held {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if self.is_needed() => return Err(internal(&error.to_string())),
                Err(_ignored) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The question, ready to be sent.
    pub(super) fn call(&self, review: Value) -> Result<Call, ApiError> {
        let config = at(self.value(), &["clientConfig"]);
        if config["url"].is_null() {
            return Err(ApiError::not_supported("a webhook behind a Service"));
        }
        Ok(Call {
            url: text(config, &["url"]).to_owned(),
            authority: text(config, &["caBundle"]).to_owned(),
            seconds: self.value()["timeoutSeconds"].as_u64().unwrap_or(10),
            changes: self.stage == Stage::Mutating,
            review,
        })
    }
}

fn selector(hook: &Value, field: &str) -> Result<Selector, ApiError> {
    Selector::parse(&label_selector_text(&hook[field]), "")
}

fn is_named(rule: &Value, target: &Target, version: &str, operation: Operation) -> bool {
    let lists = |field: &str, wanted: &str| {
        items(rule, &[field]).iter().any(|item| item == "*" || item.as_str() == Some(wanted))
    };
    let scope = if target.definition.namespaced { "Namespaced" } else { "Cluster" };
    lists("operations", operation.as_str())
        && lists("apiGroups", &target.definition.group)
        && lists("apiVersions", version)
        && matches!(text(rule, &["scope"]), "" | "*" | "Namespaced" | "Cluster")
        && (matches!(text(rule, &["scope"]), "" | "*") || text(rule, &["scope"]) == scope)
        && items(rule, &["resources"])
            .iter()
            .any(|named| is_resource(named.as_str().unwrap_or_default(), target))
}

/// Whether `pods`, `pods/status`, `pods/*`, `*/scale`, `*` or `*/*` means what is written.
fn is_resource(named: &str, target: &Target) -> bool {
    let (resource, subresource) = named.split_once('/').unwrap_or((named, ""));
    (resource == "*" || resource == target.definition.resource)
        && (subresource == target.subresource || (subresource == "*"))
}
