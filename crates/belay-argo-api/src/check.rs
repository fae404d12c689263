//! Checks beyond single fields: what excludes what, and what needs what.

use std::time::Duration;

use belay_crd::{FieldError, GoDuration, Kind, ObjectMeta, Resource, check, parse_go_duration};

use crate::{
    APP_PROJECT, APPLICATION, APPLICATION_SET, AppProject, Application, ApplicationDestination,
    ApplicationSet, ApplicationSource, ApplicationSpec, RetryStrategy,
};
use belay_crd::Described;

impl Resource for Application {
    const KIND: &'static Kind = &APPLICATION;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn validate(&self) -> Vec<FieldError> {
        let schema = &APPLICATION.schema["properties"];
        let mut errors = check(&schema["spec"], &self.spec.write(), "spec");
        if let Some(operation) = &self.operation {
            errors.extend(check(&schema["operation"], &operation.write(), "operation"));
            errors.extend(
                operation.retry.as_ref().map(|retry| retry.errors("operation.retry")).unwrap_or_default(),
            );
        }
        errors.extend(self.spec.errors());
        errors
    }
}

impl Resource for AppProject {
    const KIND: &'static Kind = &APP_PROJECT;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = check(&APP_PROJECT.schema["properties"]["spec"], &self.spec.write(), "spec");
        for (index, window) in self.spec.sync_windows.iter().enumerate() {
            let path = format!("spec.syncWindows[{index}]");
            if !matches!(window.kind.as_str(), "allow" | "deny") {
                let message = format!(
                    "unsupported value {:?}: supported values: \"allow\", \"deny\"",
                    window.kind.as_str()
                );
                errors.push(FieldError::new(format!("{path}.kind"), message));
            }
            if parse_go_duration(&window.duration).is_none() {
                let message = format!("invalid duration {:?}", window.duration);
                errors.push(FieldError::new(format!("{path}.duration"), message));
            }
        }
        errors
    }
}

impl Resource for ApplicationSet {
    const KIND: &'static Kind = &APPLICATION_SET;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn validate(&self) -> Vec<FieldError> {
        check(&APPLICATION_SET.schema["properties"]["spec"], &self.spec.write(), "spec")
    }
}

impl ApplicationSpec {
    /// The project; `default` when none is named.
    pub fn project_name(&self) -> &str {
        if self.project.is_empty() { "default" } else { &self.project }
    }

    /// The sources with their paths: `sources` when there are any, else `source`.
    pub fn effective_sources(&self) -> Vec<(String, &ApplicationSource)> {
        if !self.sources.is_empty() {
            let numbered = self.sources.iter().enumerate();
            return numbered.map(|(index, source)| (format!("spec.sources[{index}]"), source)).collect();
        }
        self.source.iter().map(|source| ("spec.source".to_owned(), source)).collect()
    }

    fn errors(&self) -> Vec<FieldError> {
        let mut errors = self.destination.errors();
        let sources = self.effective_sources();
        if sources.is_empty() && self.source_hydrator.is_none() {
            let message = "spec.source.repoURL and either spec.source.path or spec.source.chart are required";
            errors.push(FieldError::new("spec.source", message));
        }
        if self.source_hydrator.is_none() {
            for (path, source) in &sources {
                errors.extend(source.errors(path, !self.sources.is_empty()));
            }
        }
        if let Some(retry) = self.sync_policy.as_ref().and_then(|policy| policy.retry.as_ref()) {
            errors.extend(retry.errors("spec.syncPolicy.retry"));
        }
        errors
    }
}

impl ApplicationDestination {
    fn errors(&self) -> Vec<FieldError> {
        if !self.name.is_empty() && !self.server.is_empty() {
            let message = format!(
                "application destination can't have both name and server defined: {} {}",
                self.name, self.server
            );
            return vec![FieldError::new("spec.destination", message)];
        }
        if self.name.is_empty() && self.server.is_empty() {
            return vec![FieldError::new("spec.destination", "Destination server missing from app spec")];
        }
        Vec::new()
    }
}

impl ApplicationSource {
    /// The names of the rendering blocks that hold something.
    pub fn explicit_types(&self) -> Vec<&'static str> {
        let empty_object = |value: serde_json::Value| value.as_object().is_none_or(serde_json::Map::is_empty);
        let blocks = [
            ("Kustomize", self.kustomize.as_ref().map(Described::write)),
            ("Helm", self.helm.as_ref().map(Described::write)),
            ("Directory", self.directory.as_ref().map(Described::write)),
            ("Plugin", self.plugin.as_ref().map(Described::write)),
        ];
        let set = |(name, block): (&'static str, Option<serde_json::Value>)| {
            block.is_some_and(|block| name == "Plugin" || !empty_object(block)).then_some(name)
        };
        blocks.into_iter().filter_map(set).collect()
    }

    fn errors(&self, path: &str, one_of_several: bool) -> Vec<FieldError> {
        let located =
            !self.path.is_empty() || !self.chart.is_empty() || (one_of_several && !self.reference.is_empty());
        if self.repo_url.is_empty() || !located {
            let message = if one_of_several {
                "spec.source.repoURL and either source.path, source.chart, or source.ref are required"
            } else {
                "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
            };
            return vec![FieldError::new(path, message)];
        }
        if !self.chart.is_empty() && self.target_revision.is_empty() {
            let message = "spec.source.targetRevision is required if the manifest source is a helm chart";
            return vec![FieldError::new(path, message)];
        }
        let types = self.explicit_types();
        if types.len() > 1 {
            let message = format!("multiple application sources defined: {}", types.join(","));
            return vec![FieldError::new(path, message)];
        }
        Vec::new()
    }
}

impl RetryStrategy {
    /// The pause before the next try: the first one after `tries` = 0 failures that were tried again.
    pub fn pause(&self, tries: u32) -> Duration {
        let backoff = self.backoff.as_ref();
        let read =
            |text: Option<&GoDuration>, otherwise| text.and_then(seconds_or_duration).unwrap_or(otherwise);
        let first = read(backoff.map(|backoff| &backoff.duration), Duration::from_secs(5));
        let longest = read(backoff.map(|backoff| &backoff.max_duration), Duration::from_secs(180));
        let factor = backoff.and_then(|backoff| backoff.factor).unwrap_or(2);
        let seconds = first.as_secs_f64() * (factor as f64).powf(f64::from(tries));
        let pause = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        if longest.is_zero() { pause } else { pause.min(longest) }
    }

    fn errors(&self, path: &str) -> Vec<FieldError> {
        let Some(backoff) = &self.backoff else {
            return Vec::new();
        };
        let fields = [("duration", &backoff.duration), ("maxDuration", &backoff.max_duration)];
        let invalid = |(_, text): &(&str, &GoDuration)| {
            !text.as_str().is_empty() && seconds_or_duration(text).is_none()
        };
        let error = |(name, text): (&str, &GoDuration)| {
            FieldError::new(format!("{path}.backoff.{name}"), format!("unable to parse {text} as a duration"))
        };
        fields.into_iter().filter(invalid).map(error).collect()
    }
}

/// A bare number counts as seconds.
fn seconds_or_duration(text: &GoDuration) -> Option<Duration> {
    match text.as_str().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => text.get(),
    }
}
