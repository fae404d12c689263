//! The values files of a chart: paths in its folder, from the root, in other sources, patterns of them, and URLs.

use std::collections::BTreeSet;

use belay_filetree::{FileTree, Kind, TreePath};
use belay_render::Glob;

use super::by_url;
use super::environment::Environment;
use super::error::{PathFault, SourceError};

/// Folders and entries that the patterns of one source may look at.
const MOST_PLACES: usize = 20_000;

/// Where the files of a source are looked for.
pub(super) struct Places<'a> {
    pub(super) tree: &'a dyn FileTree,
    /// The folder of the chart.
    pub(super) folder: &'a TreePath,
    pub(super) environment: &'a Environment,
    /// The names of the app's sources that others may refer to; nothing when the app has one source.
    pub(super) references: Option<&'a [String]>,
    /// Which URLs may name files, by their schemes.
    pub(super) schemes: &'a [String],
}

impl Places<'_> {
    /// The files in the order in which they count. Each counts once: where it is named, else where a pattern finds it
    /// first.
    pub(super) fn values_files(
        &self,
        names: &[String],
        ignore_missing: bool,
    ) -> Result<Vec<TreePath>, SourceError> {
        let paths = names
            .iter()
            .map(|name| Ok((name, self.path(name, SourceError::ValuesFile)?)))
            .collect::<Result<Vec<(&String, TreePath)>, SourceError>>()?;
        let named: BTreeSet<&TreePath> =
            paths.iter().map(|(_, path)| path).filter(|path| !is_pattern(path)).collect();
        let mut files: Vec<TreePath> = Vec::new();
        for (name, path) in &paths {
            if !is_pattern(path) {
                // As with Helm, what a server does not have is an error.
                let may_miss = ignore_missing && !by_url::holds(path);
                let is_missing = may_miss && self.tree.kind(path)?.is_none();
                if !is_missing && !files.contains(path) {
                    files.push(path.clone());
                }
                continue;
            }
            let found = self.matches(name, path)?;
            if found.is_empty() && !ignore_missing {
                return Err(SourceError::NoValuesFile { pattern: (*name).clone() });
            }
            for file in found {
                if !named.contains(&file) && !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        Ok(files)
    }

    /// The path that a text leads to: into another source, from the root, or from the chart's folder.
    pub(super) fn path(
        &self,
        text: &str,
        fault: impl Fn(PathFault) -> SourceError,
    ) -> Result<TreePath, SourceError> {
        if let (Some(references), Some(rest)) = (self.references, text.strip_prefix('$')) {
            let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
            return self.path_in_reference(references, name, rest).and_then(|path| path.map_err(fault));
        }
        let text = self.environment.expand(text);
        if let Some(scheme) = scheme(&text) {
            return self.check_scheme(scheme).map(|()| by_url::path_of(&text)).map_err(fault);
        }
        let folder = if text.starts_with('/') { &TreePath::root() } else { self.folder };
        match folder.join(text.trim_start_matches('/')) {
            Ok(path) if path.is_root() => Err(fault(PathFault::Root)),
            Ok(path) => Ok(path),
            Err(_outside) => Err(fault(PathFault::Outside { path: text })),
        }
    }

    /// The URLs among the names of files, each once.
    pub(super) fn urls<'n>(&self, names: impl Iterator<Item = &'n String>) -> Vec<String> {
        let mut urls: Vec<String> = Vec::new();
        for name in names.filter(|name| self.references.is_none() || !name.starts_with('$')) {
            let text = self.environment.expand(name);
            let is_url = scheme(&text).is_some_and(|scheme| self.check_scheme(scheme).is_ok());
            if is_url && !urls.contains(&text) {
                urls.push(text);
            }
        }
        urls
    }

    fn check_scheme(&self, scheme: &str) -> Result<(), PathFault> {
        let scheme = scheme.to_ascii_lowercase();
        if !self.schemes.iter().any(|allowed| allowed.eq_ignore_ascii_case(&scheme)) {
            return Err(PathFault::Scheme { scheme });
        }
        match scheme.as_str() {
            "http" | "https" => Ok(()),
            _ => Err(PathFault::NotSupported { scheme }),
        }
    }

    fn path_in_reference(
        &self,
        references: &[String],
        name: &str,
        rest: &str,
    ) -> Result<Result<TreePath, PathFault>, SourceError> {
        if references.is_empty() {
            return Err(SourceError::Reference(format!(
                "source referenced \"${name}\", but no source has a 'ref' field defined"
            )));
        }
        if !references.iter().any(|known| known == name) {
            let known: Vec<String> = references.iter().map(|known| format!("${known}")).collect();
            return Err(SourceError::Reference(format!(
                "source referenced \"${name}\", which is not one of the available sources ({})",
                known.join(", ")
            )));
        }
        let rest = self.environment.expand(rest);
        Ok(match TreePath::parse(rest.trim_start_matches('/')) {
            Ok(path) if path.is_root() => Err(PathFault::Root),
            Ok(path) => Ok(path.components().fold(mount(name), |place, part| place.child(part))),
            Err(_outside) => Err(PathFault::Outside { path: format!("/{rest}") }),
        })
    }

    fn matches(&self, name: &str, pattern: &TreePath) -> Result<Vec<TreePath>, SourceError> {
        let parts: Vec<Part> = pattern
            .components()
            .map(Part::new)
            .collect::<Result<_, _>>()
            .map_err(|source| SourceError::Pattern { pattern: name.to_owned(), source })?;
        let mut search = Search { tree: self.tree, found: Vec::new(), places: 0 };
        search.walk(&TreePath::root(), &parts)?;
        if search.places > MOST_PLACES {
            return Err(SourceError::TooMany { pattern: name.to_owned(), limit: MOST_PLACES });
        }
        Ok(search.found)
    }
}

/// Where a source that others refer to is mounted.
pub(crate) fn mount(reference: &str) -> TreePath {
    TreePath::root().child(&format!("${reference}"))
}

fn is_pattern(path: &TreePath) -> bool {
    path.as_str().contains(['*', '?', '['])
}

/// The scheme of a URL.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme = scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    (is_scheme && scheme.bytes().all(is_letter)).then_some(scheme)
}

/// One component of a pattern.
enum Part {
    Name(String),
    Pattern(Glob),
    /// `**`
    Folders,
}

impl Part {
    fn new(text: &str) -> Result<Part, belay_render::GlobError> {
        Ok(match text {
            "**" => Part::Folders,
            text if text.contains(['*', '?', '[', '{']) => Part::Pattern(Glob::new(text)?),
            text => Part::Name(text.to_owned()),
        })
    }
}

struct Search<'a> {
    tree: &'a dyn FileTree,
    found: Vec<TreePath>,
    places: usize,
}

impl Search<'_> {
    /// Files of a folder before those of the folders below it.
    fn walk(&mut self, place: &TreePath, parts: &[Part]) -> Result<(), SourceError> {
        self.places += 1;
        if self.places > MOST_PLACES {
            return Ok(());
        }
        let Some((part, rest)) = parts.split_first() else {
            if self.tree.kind(place)?.is_some_and(Kind::is_file) && !self.found.contains(place) {
                self.found.push(place.clone());
            }
            return Ok(());
        };
        match part {
            Part::Name(name) => self.walk(&place.child(name), rest),
            Part::Pattern(glob) => {
                for entry in self.entries(place)? {
                    if glob.matches(&entry.name) {
                        self.walk(&place.child(&entry.name), rest)?;
                    }
                }
                Ok(())
            }
            Part::Folders => {
                let is_last = rest.is_empty();
                if !is_last {
                    self.walk(place, rest)?;
                }
                for entry in self.entries(place)? {
                    let path = place.child(&entry.name);
                    match entry.kind {
                        Kind::Directory => self.walk(&path, parts)?,
                        _ if is_last => self.walk(&path, rest)?,
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    }

    fn entries(&self, place: &TreePath) -> Result<Vec<belay_filetree::DirEntry>, SourceError> {
        match self.tree.kind(place)? {
            Some(Kind::Directory) => Ok(self.tree.list(place)?),
            _ => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_causes::chain;
    use belay_filetree::{MemoryTree, MountedTree};
    use std::sync::Arc;

    fn files(
        names: &[&str],
        ignore_missing: bool,
        references: Option<&[&str]>,
    ) -> Result<Vec<String>, String> {
        let chart = MemoryTree::of([
            ("chart/values.yaml", ""),
            ("chart/b.yaml", ""),
            ("chart/env/c.yaml", ""),
            ("chart/env/deep/a.yaml", ""),
            ("top.yaml", ""),
        ]);
        let mut tree = MountedTree::new(Arc::new(chart));
        tree.mount("$other", Arc::new(MemoryTree::of([("x/1.yaml", ""), ("x/2.yaml", "")])));
        let references: Option<Vec<String>> =
            references.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let places = Places {
            tree: &tree,
            folder: &TreePath::parse("chart").unwrap(),
            environment: &Environment::default(),
            references: references.as_deref(),
            schemes: &["https".to_owned(), "s3".to_owned()],
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = places.values_files(&names, ignore_missing).map_err(|error| chain(&error))?;
        Ok(found.iter().map(|path| path.as_str().to_owned()).collect())
    }

    #[test]
    fn a_file_counts_where_it_is_named() {
        assert_eq!(
            files(&["*.yaml", "b.yaml", "/top.yaml"], false, None).unwrap(),
            ["chart/values.yaml", "chart/b.yaml", "top.yaml"]
        );
        assert_eq!(
            files(&["env/**/*.yaml"], false, None).unwrap(),
            ["chart/env/c.yaml", "chart/env/deep/a.yaml"]
        );
        assert_eq!(
            files(&["$other/x/*.yaml", "none-*.yaml", "gone.yaml"], true, Some(&["other"])).unwrap(),
            ["$other/x/1.yaml", "$other/x/2.yaml"]
        );
    }

    #[test]
    fn a_file_by_url_is_no_pattern_and_never_missing() {
        assert_eq!(
            files(&["https://h/*.yaml?x", "HTTPS://h/a", "https://h/*.yaml?x", "b.yaml"], true, None)
                .unwrap(),
            ["$url:/https:%2F%2Fh%2F%2A.yaml%3Fx", "$url:/HTTPS:%2F%2Fh%2Fa", "chart/b.yaml"]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let fault = |name: &str, references: Option<&[&str]>| files(&[name], false, references).unwrap_err();
        let path = "error resolving helm value files: error resolving value file path: ";
        assert_eq!(
            fault("../../x", None),
            format!("{path}file '../../x' resolved to outside repository root")
        );
        assert_eq!(
            fault("$other/../x", Some(&["other"])),
            format!("{path}file '/../x' resolved to outside repository root")
        );
        assert_eq!(fault("FTP://x/y", None), format!("{path}the URL scheme 'ftp' is not allowed"));
        assert_eq!(fault("http://x/y", None), format!("{path}the URL scheme 'http' is not allowed"));
        assert_eq!(
            fault("s3://x/y", None),
            format!("{path}the URL scheme 's3' is not supported yet: only http and https are")
        );
        assert_eq!(fault("/", None), format!("{path}path resolved to repository root, which is not allowed"));
        assert_eq!(
            fault("none-*.yaml", None),
            "error resolving helm value files: values file glob \"none-*.yaml\" matched no files"
        );
        assert_eq!(
            fault("$x/y", Some(&["other", "third"])),
            "source referenced \"$x\", which is not one of the available sources ($other, $third)"
        );
        assert_eq!(
            fault("$x/y", Some(&[])),
            "source referenced \"$x\", but no source has a 'ref' field defined"
        );
    }
}
