//! Kinds whose API version Kubernetes means to drop.

use crate::capabilities::KubeVersion;

/// apiVersion, kind, since when, warning: recorded by `tests/oracle/helm/cmd/deprecations`.
const TABLE: &str = include_str!("deprecations.tsv");

/// The warning about that kind in that version of Kubernetes, if there is one.
pub(super) fn warning(api_version: &str, kind: &str, version: &KubeVersion) -> Option<&'static str> {
    let number = |text: &str| text.parse::<u32>().ok();
    let current = (number(&version.major)?, number(&version.minor)?);
    TABLE.lines().find_map(|line| {
        let mut fields = line.split('\t');
        if fields.next() != Some(api_version) || fields.next() != Some(kind) {
            return None;
        }
        let (major, minor) = fields.next()?.split_once('.')?;
        if (number(major)?, number(minor)?) > current { None } else { fields.next() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_deprecated_from_a_version_on() {
        let at = |version: &str| {
            warning("batch/v1beta1", "CronJob", &KubeVersion::parse(version).expect("a version"))
        };
        assert!(at("1.20.0").is_none());
        assert!(at("1.25.0").is_some_and(|text| text.contains("unavailable in v1.25+")));
        assert!(warning("batch/v1", "CronJob", &KubeVersion::parse("1.37").expect("a version")).is_none());
    }
}
