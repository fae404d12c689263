//! Which crate may know which.

use toml::{Table, Value};

/// Every crate's group. Arrows go to lower groups, or within a group to an earlier line.
const LAYERS: &[(u8, &str)] = &[
    (1, "belay-causes"),
    (1, "belay-filetree"),
    (1, "belay-goyaml"),
    (1, "belay-semver"),
    (1, "belay-gotemplate"),
    (2, "belay-crd"),
    (2, "belay-manifest"),
    (2, "belay-schema"),
    (2, "belay-helm"),
    (2, "belay-kustomize"),
    (2, "belay-lua"),
    (2, "belay-health"),
    (2, "belay-diff"),
    (2, "belay-plan"),
    (2, "belay-argo-api"),
    (2, "belay-flux-api"),
    (2, "belay-render"),
    (3, "belay-metrics"),
    (3, "belay-source"),
    (3, "belay-cluster"),
    (3, "belay-apply"),
    (3, "belay-ledger"),
    (4, "belay-argo"),
    (4, "belay-flux"),
    (5, "belay-server"),
    // For demo and tests: they stand beside the groups and know only pure crates and sources.
    (3, "belay-localkube"),
    (3, "belay-testkit"),
    (5, "belay-simulator"),
    (5, "belay-cli"),
    (6, "belay"),
    (6, "belay-scenarios"),
    (6, "xtask"),
];

/// What a crate's manifest does against the house's order.
pub(super) fn check(name: &str, manifest: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((group, position)) = layer(name) else {
        return vec![format!("{name}: stands in no group; add it to LAYERS in xtask/src/tidy/layers.rs")];
    };
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if inherits != Some(true) {
        faults.push(format!("{name}: does not inherit the workspace's lints"));
    }
    let dependencies = [dependencies(manifest, "dependencies"), dependencies(manifest, "build-dependencies")];
    for dependency in dependencies.concat() {
        let Some((other_group, other_position)) = layer(&dependency) else {
            continue;
        };
        if other_group > group || (other_group == group && other_position > position) {
            faults.push(format!(
                "{name} (group {group}) depends on {dependency} (group {other_group}): arrows go down only"
            ));
        }
        if [("belay-argo", "belay-flux"), ("belay-flux", "belay-argo")].contains(&(name, &dependency)) {
            faults.push(format!("{name} sees {dependency}: what both need moves down"));
        }
    }
    faults
}

/// Whether it is of the groups that do no IO.
pub(super) fn is_pure(name: &str) -> bool {
    layer(name).is_some_and(|(group, _)| group <= 2)
}

fn layer(name: &str) -> Option<(u8, usize)> {
    let position = LAYERS.iter().position(|(_, known)| *known == name)?;
    Some((LAYERS[position].0, position))
}

/// The packages of a kind of dependency, those of one platform too, whatever they are called here.
pub(super) fn dependencies(manifest: &Table, kind: &str) -> Vec<String> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let tables = std::iter::once(manifest.get(kind)).chain(platforms.map(|(_, target)| target.get(kind)));
    tables
        .filter_map(|table| table?.as_table())
        .flatten()
        .map(|(name, wanted)| wanted.get("package").and_then(Value::as_str).unwrap_or(name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, manifest: &str) -> String {
        check(name, &manifest.parse().unwrap()).join("\n")
    }

    #[test]
    fn no_crate_is_listed_twice() {
        for (_, name) in LAYERS {
            assert_eq!(LAYERS.iter().filter(|(_, other)| other == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn an_arrow_that_goes_up_is_found() {
        const UP: &str = "belay-diff (group 2) depends on belay-cluster (group 3): arrows go down only";
        for manifest in [
            "lints.workspace = true\n[dependencies]\nbelay-cluster = {}",
            "lints.workspace = true\n[build-dependencies]\nbelay-cluster = {}",
            "lints.workspace = true\n[target.'cfg(unix)'.dependencies]\nbelay-cluster = {}",
            "lints.workspace = true\n[dependencies]\nother = { package = \"belay-cluster\" }",
        ] {
            assert_eq!(faults("belay-diff", manifest), UP);
        }
        let manifest = "lints.workspace = true\n[dependencies]\nbelay-plan = {}";
        assert!(faults("belay-diff", manifest).contains("arrows go down only"), "a later line of its group");
        assert_eq!(faults("belay-plan", "lints.workspace = true\n[dependencies]\nbelay-diff = {}"), "");
    }

    #[test]
    fn the_families_do_not_see_each_other() {
        for (one, other) in [("belay-argo", "belay-flux"), ("belay-flux", "belay-argo")] {
            let manifest = format!("lints.workspace = true\n[dependencies]\n{other} = {{}}");
            assert!(faults(one, &manifest).contains("what both need moves down"));
        }
    }

    #[test]
    fn a_crate_without_the_lints_or_a_group_is_found() {
        assert!(faults("belay-diff", "[dependencies]").contains("does not inherit the workspace's lints"));
        assert!(faults("belay-diff", "lints.workspace = false").contains("does not inherit"));
        assert!(faults("belay-other", "lints.workspace = true").contains("stands in no group"));
    }
}
