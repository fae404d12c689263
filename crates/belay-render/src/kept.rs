//! Renders as bytes, so that they outlive the process.
//!
//! ```text
//! sha256 of the rest, in hex
//! {"inputs": …, "contents": …, "probes": …, "listings": …, "manifests": [{"file", "line", "object"}]}
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use belay_filetree::{ContentId, Kind, Probe, Reads, TreePath};
use belay_manifest::{Manifest, Object, Origin};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cache::Render;

/// Where renders are kept beyond the process. Nothing depends on it: what is not there is made again, and what cannot be
/// kept is not.
pub trait RenderStore: Send + Sync {
    /// What was kept of a part of an app, as it was given.
    fn get(&self, app: &str, part: &str) -> Option<Vec<u8>>;
    /// Keeps it instead of what was kept before.
    fn put(&self, app: &str, part: &str, bytes: &[u8]);
    /// Removes everything of an app.
    fn remove(&self, app: &str);
}

/// A render, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    inputs: String,
    contents: BTreeMap<String, String>,
    probes: BTreeMap<String, Option<KeptKind>>,
    listings: BTreeMap<String, String>,
    manifests: Vec<KeptManifest>,
}

#[derive(Serialize, Deserialize)]
struct KeptManifest {
    file: String,
    line: usize,
    object: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Kind")]
enum KindName {
    File,
    Executable,
    Directory,
    Link,
    Submodule,
}

#[derive(Serialize, Deserialize)]
struct KeptKind(#[serde(with = "KindName")] Kind);

/// The bytes of a render. Nothing when they would not be read as the same, as with a number that JSON rounds.
pub(crate) fn write(inputs: &str, render: &Render) -> Option<Vec<u8>> {
    let id = |(path, id): (&TreePath, &ContentId)| (path.as_str().to_owned(), id.as_str().to_owned());
    let probe = |(path, probe): (&TreePath, &Probe)| {
        let kind = match probe {
            Probe::Missing => None,
            Probe::Found(kind) => Some(KeptKind(*kind)),
        };
        (path.as_str().to_owned(), kind)
    };
    let manifest = |manifest: &Manifest| KeptManifest {
        file: manifest.origin.file.clone(),
        line: manifest.origin.line,
        object: manifest.object.value().clone(),
    };
    let kept = Kept {
        inputs: inputs.to_owned(),
        contents: render.reads.contents.iter().map(id).collect(),
        probes: render.reads.probes.iter().map(probe).collect(),
        listings: render.reads.listings.iter().map(id).collect(),
        manifests: render.manifests.iter().map(manifest).collect(),
    };
    let text = serde_json::to_vec(&kept).ok()?;
    let bytes = [digest(&text).as_bytes(), b"\n", &text].concat();
    let (read_inputs, read) = read(&bytes)?;
    let is_same = read_inputs == inputs && read.reads == render.reads && read.manifests == render.manifests;
    is_same.then_some(bytes)
}

/// A render and its inputs; nothing when the bytes are not what was written.
pub(crate) fn read(bytes: &[u8]) -> Option<(String, Render)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (sum, text) = (&bytes[..end], &bytes[end + 1..]);
    (sum == digest(text).as_bytes()).then_some(())?;
    let kept: Kept = serde_json::from_slice(text).ok()?;
    let ids = |ids: BTreeMap<String, String>| {
        let id = |(path, id): (String, String)| Some((TreePath::parse(&path).ok()?, ContentId::new(id)));
        ids.into_iter().map(id).collect::<Option<BTreeMap<TreePath, ContentId>>>()
    };
    let probe = |(path, kind): (String, Option<KeptKind>)| {
        let probe = kind.map_or(Probe::Missing, |KeptKind(kind)| Probe::Found(kind));
        Some((TreePath::parse(&path).ok()?, probe))
    };
    let manifest = |kept: KeptManifest| {
        let origin = Origin { file: kept.file, line: kept.line };
        Some(Manifest { object: Object::new(kept.object).ok()?, origin })
    };
    let reads = Reads {
        contents: ids(kept.contents)?,
        probes: kept.probes.into_iter().map(probe).collect::<Option<_>>()?,
        listings: ids(kept.listings)?,
    };
    let manifests = kept.manifests.into_iter().map(manifest).collect::<Option<_>>()?;
    Some((kept.inputs, Render { manifests, reads: Arc::new(reads) }))
}

fn digest(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(number: &Value) -> Render {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "é"}, "data": {"b": number, "a": "1"}});
        let origin = Origin { file: "app/a.yaml".to_owned(), line: 3 };
        let mut reads = Reads::default();
        reads.contents.insert(path("app/a.yaml"), ContentId::of(b"x"));
        reads.listings.insert(path(""), ContentId::of(b"y"));
        let kinds = [Kind::File, Kind::Executable, Kind::Directory, Kind::Link, Kind::Submodule];
        reads.probes =
            kinds.into_iter().map(|kind| (path(&format!("{kind:?}")), Probe::Found(kind))).collect();
        reads.probes.insert(path("none"), Probe::Missing);
        Render {
            manifests: vec![Manifest { object: Object::new(object).unwrap(), origin }],
            reads: Arc::new(reads),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let render = render(&json!("2"));
        let bytes = write("path=app", &render).unwrap();
        let (inputs, read_again) = read(&bytes).unwrap();
        assert_eq!((inputs.as_str(), &read_again.reads), ("path=app", &render.reads));
        assert_eq!(read_again.manifests, render.manifests);
        let text = |render: &Render| render.manifests[0].object.value().to_string();
        assert_eq!(text(&read_again), text(&render), "fields keep their order");
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_none(), "{end} bytes of {}", bytes.len());
        }
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            assert!(read(&bytes).is_none(), "byte {place} is another");
        }
    }

    #[test]
    fn numbers_come_back_as_they_were_or_are_not_kept() {
        for number in [json!(1), json!(-7), json!(u64::MAX), json!(1.0), json!(0.1), json!(1e300)] {
            let render = render(&number);
            let (_, read) = read(&write("", &render).unwrap()).unwrap();
            assert_eq!(read.manifests, render.manifests, "{number}");
        }
    }
}
