//! Where objects came from and what changed them, as `buildMetadata` prints it.

use serde_json::Value;

use crate::remote::RemoteRepository;
use crate::resource::Resource;

/// A place as seen from the folder that is built, or from the root of another repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    path: String,
    repository: String,
    reference: String,
}

impl Origin {
    /// What a reference leads to from here.
    pub(crate) fn join(&self, reference: &str) -> Origin {
        let Some(remote) = RemoteRepository::parse(reference) else {
            return Origin { path: joined(&self.path, reference), ..self.clone() };
        };
        // The original takes the name of a folder it never makes for the root.
        let folder = if remote.folder.is_empty() { "notCloned" } else { &remote.folder };
        Origin { path: joined("", folder), repository: remote.url, reference: remote.reference }
    }

    fn fields(&self, path: &str) -> String {
        let mut text = String::new();
        for (name, value) in [("path", path), ("repo", &self.repository), ("ref", &self.reference)] {
            if !value.is_empty() {
                text.push_str(&format!("{name}: {}\n", plain(value)));
            }
        }
        text
    }

    /// The origin of an object that was read from here.
    pub(crate) fn of_file(&self) -> String {
        self.fields(&self.path)
    }

    /// The origin of an object that a plugin made, or one change by a plugin. This is its file.
    pub(crate) fn of_plugin(&self, plugin: &Plugin) -> String {
        let mut text = self.fields("");
        text.push_str(&format!("configuredIn: {}\nconfiguredBy:\n", plain(&self.path)));
        let names = [
            ("apiVersion", &plugin.api_version),
            ("kind", &plugin.kind),
            ("name", &plugin.name),
            ("namespace", &plugin.namespace),
        ];
        for (field, value) in names {
            if !value.is_empty() {
                text.push_str(&format!("  {field}: {}\n", plain(value)));
            }
        }
        text
    }
}

/// What made or changed an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plugin {
    api_version: String,
    kind: String,
    name: String,
    namespace: String,
}

impl Plugin {
    pub(crate) fn builtin(kind: &str) -> Plugin {
        Plugin { api_version: "builtin".to_owned(), kind: kind.to_owned(), ..Plugin::default() }
    }

    pub(crate) fn configured_by(configuration: &Resource) -> Plugin {
        Plugin {
            api_version: configuration.api_version().to_owned(),
            kind: configuration.kind().to_owned(),
            name: configuration.name(),
            namespace: configuration.namespace(),
        }
    }
}

/// A path below another, as text: it may lead above the folder that is built.
fn joined(base: &str, reference: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(reference.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let root = if base.is_empty() && reference.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Changes as one list.
pub(crate) fn list(changes: &[String]) -> String {
    let mut listed = String::new();
    for change in changes {
        for (number, line) in change.lines().enumerate() {
            listed.push_str(if number == 0 { "- " } else { "  " });
            listed.push_str(line);
            listed.push('\n');
        }
    }
    listed
}

fn plain(path: &str) -> String {
    belay_goyaml::to_yaml_v3(&Value::from(path), 2).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_lead_up() {
        assert_eq!(joined("", "../base"), "../base");
        assert_eq!(joined("../base", "x/../b.yaml"), "../base/b.yaml");
        assert_eq!(joined("../../a", "../../b"), "../../../b");
        assert_eq!((joined("", "/a/../b"), joined("a", "/b")), ("/b".to_owned(), "a/b".to_owned()));
    }

    #[test]
    fn repositories_are_named() {
        let origin = Origin::default().join("https://github.com/org/repo//a?ref=v1").join("x.yaml");
        assert_eq!(origin.of_file(), "path: a/x.yaml\nrepo: https://github.com/org/repo\nref: v1\n");
    }
}
