//! Cases in one file each: `-- PATH --` starts a file of the tree, and the last part is what is expected.

use std::path::Path;

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, HelmOptions, build};

/// The part with what the original prints.
pub(crate) const EXPECTED: &str = "expected";
/// The part with our error, where the original fails too.
pub(crate) const ERROR: &str = "error";

/// The part with the command's flags, one a line.
const FLAGS: &str = "flags";

/// A case: files by path, expectations among them.
pub(crate) struct CaseFile {
    /// Paths and contents in the order of the text.
    pub(crate) parts: Vec<(String, String)>,
}

impl CaseFile {
    /// Takes a text apart.
    pub(crate) fn parse(text: &str) -> CaseFile {
        let mut parts: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let path = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            match (path, parts.last_mut()) {
                (Some(path), _) => parts.push((path.to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => {}
            }
        }
        CaseFile { parts }
    }

    /// The files of the tree, without flags and expectations.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter().filter(|(path, _)| ![EXPECTED, ERROR, FLAGS].contains(&path.as_str()));
        parts.map(|(path, content)| (path.as_str(), content.as_str()))
    }

    /// The flags of the command.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|(path, _)| path == FLAGS).flat_map(|(_, text)| text.lines())
    }

    fn options(&self) -> Result<BuildOptions, String> {
        let mut options = BuildOptions::default();
        let mut helm = HelmOptions::default();
        for flag in self.flags() {
            match flag.split_once('=').unwrap_or((flag, "")) {
                ("--enable-helm", _) => options.helm = Some(HelmOptions::default()),
                ("--helm-kube-version", version) => helm.kube_version = Some(version.to_owned()),
                ("--helm-api-versions", version) => helm.api_versions.push(version.to_owned()),
                _ => return Err(format!("{flag}: cases know no such flag")),
            }
        }
        options.helm = options.helm.map(|_| helm);
        Ok(options)
    }

    /// The folder that is built: `overlay` if there is one, else the top.
    pub(crate) fn folder(&self) -> &'static str {
        if self.files().any(|(path, _)| Path::new(path).starts_with("overlay")) { "overlay" } else { "" }
    }

    /// What we make of it, or the chain of the error.
    pub(crate) fn built(&self) -> Result<String, String> {
        let mut tree = MemoryTree::new();
        tree.insert(TreePath::root(), Kind::Directory, "");
        for (path, content) in self.files() {
            let path = TreePath::parse(path).map_err(|error| error.to_string())?;
            let (kind, content) = match content.strip_prefix("LINK ") {
                Some(target) => (Kind::Link, target.trim_end()),
                None => (Kind::File, content),
            };
            tree.insert(path, kind, content.to_owned());
        }
        let folder = TreePath::parse(self.folder()).map_err(|error| error.to_string())?;
        let built = build(&tree, &folder, &self.options()?);
        built.map(|built| built.to_yaml()).map_err(|error| error.chain() + "\n")
    }
}
