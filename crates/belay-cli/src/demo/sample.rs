//! The sample: two configuration repositories, and what a person applies to start with them. The files
//! are in `sample/`, as a reader would keep them; only the repository's URL is filled in.

use anyhow::Context;
use belay_testkit::Change;
use serde_json::Value;

/// The URL that the sample's manifests name.
const PLACEHOLDER: &str = "https://github.com/yourorg/your-gitops-repo";

#[derive(rust_embed::RustEmbed)]
#[folder = "sample/"]
struct Sample;

/// The files of one of the two repositories, as its first commit.
pub(super) fn repository(name: &str, url: &str) -> Vec<Change> {
    let folder = format!("{name}/");
    Sample::iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&folder)?.to_owned();
            Some(Change::write(&inside, text(&path, url)?))
        })
        .collect()
}

/// The objects of a file that a person applies.
pub(super) fn resources(file: &str, url: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("resources/{file}");
    let text = text(&path, url).with_context(|| format!("{path} is not in the sample"))?;
    let limits = belay_manifest::Limits::default();
    let manifests = belay_manifest::parse(&path, text.as_bytes(), &limits)?;
    Ok(manifests.into_iter().map(|manifest| manifest.object.value().clone()).collect())
}

fn text(path: &str, url: &str) -> Option<String> {
    let file = Sample::get(path)?;
    Some(String::from_utf8_lossy(&file.data).replace(PLACEHOLDER, url))
}
