//! What a cluster can do, as `.Capabilities` shows it.

use crate::quote::quote;

/// What a cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The API versions it serves: `group/version` and `group/version/Kind`.
    pub api_versions: Vec<String>,
    /// The version of Helm that templates are told.
    pub helm_version: BuildInfo,
}

impl Default for Capabilities {
    /// What Helm 4.3.1 assumes without a cluster.
    fn default() -> Capabilities {
        Capabilities {
            kube_version: KubeVersion {
                version: "v1.37.0".to_owned(),
                normalized: "v1.37.0".to_owned(),
                major: "1".to_owned(),
                minor: "37".to_owned(),
            },
            api_versions: DEFAULT_API_VERSIONS.split_whitespace().map(str::to_owned).collect(),
            helm_version: BuildInfo::default(),
        }
    }
}

/// A version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// The full version, such as `v1.33.4-gke.1245000`.
    pub version: String,
    /// The version without what follows the numbers, against which charts are checked.
    pub(crate) normalized: String,
    /// The first number.
    pub major: String,
    /// The second number.
    pub minor: String,
}

/// A text that is no version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    /// It does not begin with numbers.
    #[error("invalid kube version '{text}': could not parse {} as version", quote(.text))]
    NoVersion {
        /// The text.
        text: String,
    },
    /// It has one number only.
    #[error("invalid kube version '{text}': illegal version string {}", quote(.text))]
    TooShort {
        /// The text.
        text: String,
    },
}

impl KubeVersion {
    /// The version that a server tells, taken as it stands: charts are checked against the whole of it.
    pub fn of_server(
        git_version: impl Into<String>,
        major: impl Into<String>,
        minor: impl Into<String>,
    ) -> KubeVersion {
        let version = git_version.into();
        KubeVersion { normalized: version.clone(), version, major: major.into(), minor: minor.into() }
    }

    /// Reads a version such as `1.34`, `v1.34.2` or `v1.33.4-gke.1245000`.
    pub fn parse(text: &str) -> Result<KubeVersion, KubeVersionError> {
        let trimmed = text.trim_start();
        let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut components: Vec<u64> = Vec::new();
        let mut rest = numbers;
        loop {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let Ok(number) = rest[..digits].parse() else { break };
            components.push(number);
            match rest[digits..].strip_prefix('.') {
                Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => rest = after,
                _ => break,
            }
        }
        match components.as_slice() {
            [] => Err(KubeVersionError::NoVersion { text: text.to_owned() }),
            [_] => Err(KubeVersionError::TooShort { text: text.to_owned() }),
            [major, minor, ..] => {
                let version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
                let numbers: Vec<String> = components.iter().map(u64::to_string).collect();
                Ok(KubeVersion {
                    version,
                    normalized: format!("v{}", numbers.join(".")),
                    major: major.to_string(),
                    minor: minor.to_string(),
                })
            }
        }
    }
}

/// A build of Helm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version.
    pub version: String,
    /// The commit it was built from.
    pub git_commit: String,
    /// Whether there were changes beside the commit.
    pub git_tree_state: String,
    /// The version of Go.
    pub go_version: String,
    /// The version of Kubernetes its client is made for.
    pub kube_client_version: String,
}

impl Default for BuildInfo {
    fn default() -> BuildInfo {
        BuildInfo {
            version: "v4.3.1".to_owned(),
            git_commit: String::new(),
            git_tree_state: String::new(),
            go_version: "go1.26.8".to_owned(),
            kube_client_version: "v1.37".to_owned(),
        }
    }
}

/// The API versions Helm 4.3.1 assumes, in its order.
const DEFAULT_API_VERSIONS: &str = "
v1
admissionregistration.k8s.io/v1
admissionregistration.k8s.io/v1alpha1
admissionregistration.k8s.io/v1beta1
internal.apiserver.k8s.io/v1alpha1
apps/v1
apps/v1beta1
apps/v1beta2
authentication.k8s.io/v1
authentication.k8s.io/v1alpha1
authentication.k8s.io/v1beta1
authorization.k8s.io/v1
authorization.k8s.io/v1beta1
autoscaling/v1
autoscaling/v2
batch/v1
batch/v1beta1
certificates.k8s.io/v1
certificates.k8s.io/v1beta1
certificates.k8s.io/v1alpha1
coordination.k8s.io/v1alpha2
coordination.k8s.io/v1beta1
coordination.k8s.io/v1
discovery.k8s.io/v1
discovery.k8s.io/v1beta1
events.k8s.io/v1
events.k8s.io/v1beta1
extensions/v1beta1
flowcontrol.apiserver.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta1
flowcontrol.apiserver.k8s.io/v1beta2
flowcontrol.apiserver.k8s.io/v1beta3
lifecycle.k8s.io/v1alpha1
networking.k8s.io/v1
networking.k8s.io/v1beta1
node.k8s.io/v1
node.k8s.io/v1alpha1
node.k8s.io/v1beta1
policy/v1
policy/v1beta1
rbac.authorization.k8s.io/v1
rbac.authorization.k8s.io/v1beta1
rbac.authorization.k8s.io/v1alpha1
resource.k8s.io/v1
resource.k8s.io/v1beta2
resource.k8s.io/v1beta1
resource.k8s.io/v1alpha3
scheduling.k8s.io/v1alpha3
scheduling.k8s.io/v1beta1
scheduling.k8s.io/v1
storage.k8s.io/v1beta1
storage.k8s.io/v1
storage.k8s.io/v1alpha1
storagemigration.k8s.io/v1
storagemigration.k8s.io/v1beta1
apiextensions.k8s.io/v1beta1
apiextensions.k8s.io/v1
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_does() {
        let version = KubeVersion::parse("1.33.4-gke.1245000").unwrap();
        assert_eq!(
            (version.version.as_str(), version.normalized.as_str()),
            ("v1.33.4-gke.1245000", "v1.33.4")
        );
        assert_eq!(KubeVersion::parse("v1.34").unwrap().normalized, "v1.34");
        let error = KubeVersion::parse("x").unwrap_err().to_string();
        assert_eq!(error, "invalid kube version 'x': could not parse \"x\" as version");
        let error = KubeVersion::parse("1").unwrap_err().to_string();
        assert_eq!(error, "invalid kube version '1': illegal version string \"1\"");
    }
}
