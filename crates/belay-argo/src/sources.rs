//! The sources of an app, or of an operation of its own.

use belay_argo_api::{Application, ApplicationSource, SyncOperation, SyncOperationResult};

use crate::fault::Fault;

/// One source, or the several of `spec.sources`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sources {
    list: Vec<ApplicationSource>,
    /// Whether they are `sources`, even if there is one.
    is_many: bool,
}

impl Sources {
    /// What the spec says; nothing when it has no source.
    pub(crate) fn of_app(app: &Application) -> Option<Sources> {
        Sources::of(app.spec.source.as_ref(), &app.spec.sources)
    }

    /// What an operation says for itself.
    pub(crate) fn of_operation(sync: &SyncOperation) -> Option<Sources> {
        Sources::of(sync.source.as_ref(), &sync.sources)
    }

    /// What a sync was made from.
    pub(crate) fn of_result(result: &SyncOperationResult) -> Option<Sources> {
        Sources::of(result.source.as_ref(), &result.sources)
    }

    fn of(source: Option<&ApplicationSource>, sources: &[ApplicationSource]) -> Option<Sources> {
        if !sources.is_empty() {
            return Some(Sources { list: sources.to_vec(), is_many: true });
        }
        Some(Sources { list: vec![source?.clone()], is_many: false })
    }

    /// All of them, in order.
    pub(crate) fn list(&self) -> &[ApplicationSource] {
        &self.list
    }

    /// Whether they are `sources`.
    pub(crate) fn is_many(&self) -> bool {
        self.is_many
    }

    /// The one source, for a field `source`.
    pub(crate) fn one(&self) -> Option<ApplicationSource> {
        if self.is_many { None } else { self.list.first().cloned() }
    }

    /// The several, for a field `sources`.
    pub(crate) fn many(&self) -> Vec<ApplicationSource> {
        if self.is_many { self.list.clone() } else { Vec::new() }
    }

    /// The revisions that are to be read: those that are asked for, where there is one for each source, else what each
    /// source says.
    pub(crate) fn revisions(&self, asked: &[String]) -> Vec<String> {
        let asked = if asked.len() == self.list.len() { asked } else { &[] };
        let wanted = |(place, source): (usize, &ApplicationSource)| match asked.get(place) {
            Some(revision) if !revision.is_empty() => revision.clone(),
            _ => source.target_revision.clone(),
        };
        self.list.iter().enumerate().map(wanted).collect()
    }

    /// The names by which sources refer to each other; nothing for one source.
    pub(crate) fn references(&self) -> Result<Option<Vec<String>>, Fault> {
        let mut names: Vec<String> = Vec::new();
        for source in self.list.iter().filter(|source| self.is_many && !source.reference.is_empty()) {
            let name = &source.reference;
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            let fault = if !name.bytes().all(is_plain) {
                format!("sources.ref {name} cannot contain any special characters except '_' and '-'")
            } else if names.contains(name) {
                "invalid sources: multiple sources had the same `ref` key".to_owned()
            } else {
                names.push(name.clone());
                continue;
            };
            return Err(Fault::comparison(format!(
                "Failed to load target state: failed to get ref sources: {fault}"
            )));
        }
        Ok(self.is_many.then_some(names))
    }
}

/// The one revision of a field `revision`, or the several of `revisions`, as one list.
pub(crate) fn revision_list(revision: &str, revisions: &[String]) -> Vec<String> {
    if !revisions.is_empty() {
        return revisions.to_vec();
    }
    if revision.is_empty() { Vec::new() } else { vec![revision.to_owned()] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sources(references: &[&str]) -> Sources {
        let source = |name: &&str| json!({"repoURL": "u", "ref": name, "targetRevision": "main"});
        let list: Vec<serde_json::Value> = references.iter().map(source).collect();
        let sync: SyncOperation = serde_json::from_value(json!({"sources": list})).unwrap();
        Sources::of_operation(&sync).unwrap()
    }

    #[test]
    fn a_revision_is_taken_when_there_is_one_for_each_source() {
        let both = sources(&["a", "b"]);
        assert_eq!(both.revisions(&["x".into(), String::new()]), ["x", "main"]);
        assert_eq!(both.revisions(&["x".into()]), ["main", "main"]);
    }

    #[test]
    fn references_are_plain_and_differ() {
        assert_eq!(sources(&["a", "", "b"]).references().unwrap().unwrap(), ["a", "b"]);
        let message = |names: &[&str]| sources(names).references().unwrap_err().message;
        assert!(
            message(&["a/b"])
                .ends_with("sources.ref a/b cannot contain any special characters except '_' and '-'")
        );
        assert!(message(&["a", "a"]).ends_with("multiple sources had the same `ref` key"));
    }
}
