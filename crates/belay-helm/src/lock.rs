//! `Chart.lock`: which versions were chosen, and a digest that tells whether they still fit `Chart.yaml`.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::chart::{Chart, Dependency, Lock};

/// The lock was made of other wishes than `Chart.yaml` has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfSync {
    /// Helm 2's files.
    #[error(
        "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please \
         update the dependencies"
    )]
    Requirements,
    /// Those since.
    #[error(
        "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the \
         dependencies with 'helm dependency update'"
    )]
    Chart,
}

impl Chart {
    /// The versions that the lock names; nothing without a lock. `resolved` are the wishes with addresses in the place
    /// of aliases, as the lock was made of them.
    pub fn locked(&self, resolved: &[Dependency]) -> Result<Option<&[Dependency]>, OutOfSync> {
        let Some(lock) = &self.lock else { return Ok(None) };
        let is_of_helm_2 = self.metadata.api_version == "v1";
        let written = self.metadata.dependencies.as_deref().unwrap_or_default();
        let holds = digest(resolved, &lock.dependencies) == lock.digest
            || (is_of_helm_2 && digest_of_helm_2(written) == lock.digest);
        match holds {
            true => Ok(Some(&lock.dependencies)),
            false if is_of_helm_2 => Err(OutOfSync::Requirements),
            false => Err(OutOfSync::Chart),
        }
    }
}

impl Lock {
    /// The lock of these choices for those wishes. `generated` is the time as RFC 3339 text.
    pub fn of(wanted: &[Dependency], chosen: Vec<Dependency>, generated: &str) -> Lock {
        Lock { generated: generated.to_owned(), digest: digest(wanted, &chosen), dependencies: chosen }
    }

    /// The file.
    pub fn to_yaml(&self) -> String {
        let chosen = self.dependencies.iter().map(|dependency| {
            let mut fields = json!({ "name": dependency.name, "repository": dependency.repository });
            if !dependency.version.is_empty() {
                fields["version"] = dependency.version.as_str().into();
            }
            fields
        });
        let lock = json!({
            "dependencies": chosen.collect::<Vec<_>>(),
            "digest": self.digest,
            "generated": self.generated,
        });
        belay_goyaml::to_yaml(&lock)
    }
}

/// Helm's digest over the wishes and the choices.
pub fn digest(wanted: &[Dependency], chosen: &[Dependency]) -> String {
    sha256(&format!("[{},{}]", list(wanted), list(chosen)))
}

/// Helm 2's digest, which knows the wishes only.
pub fn digest_of_helm_2(wanted: &[Dependency]) -> String {
    sha256(&format!("{{\"dependencies\":{}}}", list(wanted)))
}

fn sha256(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

fn list(dependencies: &[Dependency]) -> String {
    let items: Vec<String> = dependencies.iter().map(go_json).collect();
    format!("[{}]", items.join(","))
}

/// The dependency as Go's encoder writes the struct: in the order of its fields, empty ones left out.
fn go_json(dependency: &Dependency) -> String {
    let fields: [(&str, Value, bool); 8] = [
        ("name", json!(dependency.name), true),
        ("version", json!(dependency.version), !dependency.version.is_empty()),
        ("repository", json!(dependency.repository), true),
        ("condition", json!(dependency.condition), !dependency.condition.is_empty()),
        ("tags", json!(dependency.tags), !dependency.tags.is_empty()),
        ("enabled", json!(dependency.enabled), dependency.enabled),
        ("import-values", json!(dependency.import_values), !dependency.import_values.is_empty()),
        ("alias", json!(dependency.alias), !dependency.alias.is_empty()),
    ];
    let stated = fields.iter().filter(|(_, _, stated)| *stated);
    let texts: Vec<String> = stated
        .map(|(name, value, _)| format!("\"{name}\":{}", belay_goyaml::to_go_json(value, true)))
        .collect();
    format!("{{{}}}", texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(version: &str) -> Dependency {
        Dependency {
            name: "db".to_owned(),
            version: version.to_owned(),
            repository: "https://charts.example.com".to_owned(),
            ..Dependency::default()
        }
    }

    #[test]
    fn the_digest_is_that_of_the_json() {
        let json = r#"[[{"name":"db","version":"^1","repository":"https://charts.example.com"}],[{"name":"db","version":"1.2.0","repository":"https://charts.example.com"}]]"#;
        assert_eq!(digest(&[dependency("^1")], &[dependency("1.2.0")]), sha256(json));
    }

    #[test]
    fn helm_writes_the_same_digest() {
        // `helm dependency update` of a chart that wants this wrote it.
        let near = |version: &str| Dependency {
            name: "near".to_owned(),
            version: version.to_owned(),
            repository: "file://../near".to_owned(),
            ..Dependency::default()
        };
        let wanted =
            Dependency { condition: "near.enabled".to_owned(), tags: vec!["a".to_owned()], ..near("0.x") };
        let recorded = "sha256:ab0b4c836dbf2e6f2226e5f7d708cd6c8384591d401591476f4692ae19b59ec0";
        assert_eq!(digest(&[wanted], &[near("0.3.0")]), recorded);
    }

    #[test]
    fn the_file_is_sorted() {
        let lock = Lock::of(&[dependency("^1")], vec![dependency("1.2.0")], "2026-01-02T03:04:05Z");
        let text = lock.to_yaml();
        assert!(
            text.starts_with("dependencies:\n- name: db\n  repository: https://charts.example.com\n"),
            "{text}"
        );
        assert!(text.ends_with("generated: \"2026-01-02T03:04:05Z\"\n"), "{text}");
    }
}
