//! The house's order as a test: which crate may know which, which ones do no IO, what is never a name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

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
];

/// What code of groups 1 and 2 never says: it would read a clock, a file, an environment or a network.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "tokio::",
    "async fn",
    "kube::Client",
    "reqwest::",
];

/// Names that say nothing.
const DRAWERS: &[&str] = &["util", "utils", "common", "misc", "helpers", "helper"];

/// Checks the whole workspace and reports every fault.
pub(crate) fn run(root: &Path) -> Result<()> {
    let faults = check(root)?;
    if faults.is_empty() {
        return Ok(());
    }
    faults.iter().for_each(|fault| crate::report(fault));
    bail!("{} faults", faults.len());
}

fn check(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in crate_folders(root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manifest =
            fs::read_to_string(folder.join("Cargo.toml")).with_context(|| format!("{name}/Cargo.toml"))?;
        let manifest: toml::Table = manifest.parse().with_context(|| format!("{name}/Cargo.toml"))?;
        faults.extend(check_manifest(&name, &manifest));
        let pure = layer(&name).is_some_and(|(group, _)| group <= 2);
        for file in rust_files(&folder.join("src"))? {
            let text = fs::read_to_string(&file)?;
            let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            faults.extend(check_name(&file, &place));
            if pure {
                faults.extend(check_purity(&place, &text));
            }
        }
    }
    faults.extend(crate::mutate::check(root)?);
    Ok(faults)
}

fn layer(name: &str) -> Option<(u8, usize)> {
    let position = LAYERS.iter().position(|(_, known)| *known == name)?;
    Some((LAYERS[position].0, position))
}

fn check_manifest(name: &str, manifest: &toml::Table) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((group, position)) = layer(name) else {
        return vec![format!("{name}: stands in no group; add it to LAYERS in xtask/src/tidy.rs")];
    };
    if DRAWERS.iter().any(|drawer| name.ends_with(&format!("-{drawer}"))) {
        faults.push(format!("{name}: the name says nothing about what it holds"));
    }
    let inherits =
        manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    if inherits != Some(true) {
        faults.push(format!("{name}: does not inherit the workspace's lints"));
    }
    for dependency in dependencies(manifest) {
        let Some((other_group, other_position)) = layer(&dependency) else {
            continue;
        };
        if other_group > group || (other_group == group && other_position > position) {
            faults.push(format!(
                "{name} (group {group}) depends on {dependency} (group {other_group}): arrows go down only"
            ));
        }
    }
    let families = [("belay-argo", "belay-flux"), ("belay-flux", "belay-argo")];
    for (one, other) in families {
        if name == one && dependencies(manifest).iter().any(|dependency| dependency == other) {
            faults.push(format!("{one} sees {other}: what both need moves down"));
        }
    }
    faults
}

fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn check_name(file: &Path, place: &str) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    let folder = file.parent()?.file_name()?.to_str()?;
    let drawer = DRAWERS.contains(&stem) || DRAWERS.contains(&folder);
    drawer.then(|| format!("{place}: the name says nothing about what it holds"))
}

fn check_purity(place: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for word in IMPURE.iter().filter(|word| code.contains(**word)) {
            faults.push(format!("{place}:{}: {word} in a pure crate", number + 1));
        }
    }
    faults
}

fn crate_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join("crates"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a name is listed twice; a test keeps the list honest.
#[cfg(test)]
fn repeated_names() -> std::collections::BTreeMap<&'static str, usize> {
    let mut names = std::collections::BTreeMap::new();
    for (_, name) in LAYERS {
        *names.entry(*name).or_insert(0) += 1;
    }
    names.retain(|_, count| *count > 1);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        assert_eq!(check(&crate::repository()).unwrap(), Vec::<String>::new());
        assert!(repeated_names().is_empty());
    }

    #[test]
    fn an_arrow_that_goes_up_is_found() {
        let manifest: toml::Table =
            "[dependencies]\nbelay-cluster = {}\n[lints]\nworkspace = true".parse().unwrap();
        assert_eq!(check_manifest("belay-diff", &manifest).len(), 1);
        let manifest: toml::Table = "[dependencies]\nbelay-argo = {}".parse().unwrap();
        assert_eq!(
            check_manifest("belay-flux", &manifest).len(),
            2,
            "sees the other family, inherits no lints"
        );
    }

    #[test]
    fn impure_code_is_found_and_comments_are_not() {
        assert_eq!(check_purity("x.rs", "// std::fs is not used\nlet x = std::fs::read(path);").len(), 1);
    }
}
