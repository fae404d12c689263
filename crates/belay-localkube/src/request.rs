//! A request as the API understands it: verb, resource, name, options.

use std::sync::Arc;

use belay_schema::KindSchema;
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::resources::{Definition, Resources, Version};
use crate::status::ApiError;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
}

impl User {
    pub(crate) fn admin() -> Self {
        Self {
            name: "admin".into(),
            uid: "admin-uid".into(),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        }
    }
}

/// A request whose body was read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) user: User,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type of the body, without parameters.
    pub(crate) fn content_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// The field manager: the parameter, else the start of the user agent.
    pub(crate) fn manager(&self) -> String {
        let given = self.query.get("fieldManager");
        if !given.is_empty() {
            return given.to_owned();
        }
        let agent = self.header("user-agent").split('/').next().unwrap_or_default();
        let agent = if agent.is_empty() { "unknown" } else { agent };
        agent.chars().take(128).collect()
    }
}

/// The query's parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The same parameters with one more, or another value for it.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(key, _)| key != name).cloned().collect();
        pairs.push((name.to_owned(), value.to_owned()));
        Self(pairs)
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.get("dryRun") == "All"
    }
}

/// What a path under `/api` or `/apis` means.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) definition: Arc<Definition>,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Target {
    /// Resolve a path; 404 when there is no such resource.
    pub(crate) fn parse(resources: &Resources, path: &str) -> Result<Self, ApiError> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(ApiError::no_such_resource()),
        };
        let find = |resource: &str| {
            let definition = resources.get(group, resource).filter(|found| found.version(version).is_some());
            definition.cloned().ok_or_else(ApiError::no_such_resource)
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if is_inside(group, rest) => (*namespace, rest),
            rest => ("", rest),
        };
        let (resource, name, subresource) = match rest {
            [resource] => (*resource, "", String::new()),
            [resource, name] => (*resource, *name, String::new()),
            [resource, name, subresource @ ..] => (*resource, *name, subresource.join("/")),
            [] => return Err(ApiError::no_such_resource()),
        };
        let definition = find(resource)?;
        if !definition.namespaced && !namespace.is_empty() {
            return Err(ApiError::no_such_resource());
        }
        Ok(Self {
            definition,
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            name: decoded(name),
            subresource,
        })
    }

    pub(crate) fn declared(&self) -> Result<&Version, ApiError> {
        self.definition.version(&self.version).ok_or_else(ApiError::no_such_resource)
    }

    pub(crate) fn schema(&self) -> Result<Arc<KindSchema>, ApiError> {
        let kind = &self.definition.kind;
        let schema = self.declared()?.schema.clone();
        schema.ok_or_else(|| ApiError::not_supported(&format!("writing {kind} without a schema")))
    }

    pub(crate) fn api_version(&self) -> String {
        self.definition.api_version(&self.version)
    }

    /// The same resource, one object of it.
    pub(crate) fn of(definition: &Arc<Definition>, namespace: &str, name: &str) -> Self {
        Self {
            definition: definition.clone(),
            version: definition.storage_version.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: String::new(),
        }
    }

    pub(crate) fn conflict(&self, cause: &str) -> ApiError {
        ApiError::conflict(&self.definition.group, &self.definition.resource, &self.name, cause)
    }
}

/// Whether a path goes on into a namespace; `status` and `finalize` are the namespace's own.
fn is_inside(group: &str, rest: &[&str]) -> bool {
    match rest {
        [] => false,
        ["status" | "finalize"] => !group.is_empty(),
        _ => true,
    }
}

/// Names like `system:node` may come percent-encoded.
fn decoded(name: &str) -> String {
    if !name.contains('%') {
        return name.to_owned();
    }
    let escaped = name.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}
