//! A folder of plain YAML and JSON files.

use belay_filetree::{FileTree, Kind, TreeError, TreePath};
use belay_manifest::{Limits, Manifest, parse};

use crate::detect::{SourceType, detect};
use crate::error::RenderError;
use crate::glob::Glob;

/// Bytes of all manifests together (Argo CD's `reposerver.max.combined.directory.manifests.size`).
const COMBINED_BYTES: usize = 10 * 1024 * 1024;
/// How deep folders may lie in each other.
const DEEPEST: usize = 64;
/// A file that holds this text is passed over (Argo CD).
const SKIP_MARK: &[u8] = b"+argocd:skip-file-rendering";

/// `spec.source.directory`.
#[derive(Debug, Clone, Default)]
pub struct DirectoryOptions {
    /// Also the folders below.
    pub recurse: bool,
    /// Only files that match; empty means all.
    pub include: String,
    /// Not files that match; empty means none. Looked at before `include`.
    pub exclude: String,
    /// Whatever their extension is.
    pub disable_extension_filter: bool,
}

struct Patterns {
    include: Option<Glob>,
    exclude: Option<Glob>,
    any_extension: bool,
}

impl Patterns {
    fn new(options: &DirectoryOptions) -> Result<Patterns, RenderError> {
        let compile = |field: &'static str, pattern: &str| match pattern {
            "" => Ok(None),
            pattern => Glob::new(pattern).map(Some).map_err(|source| RenderError::Pattern { field, source }),
        };
        Ok(Patterns {
            include: compile("include", &options.include)?,
            exclude: compile("exclude", &options.exclude)?,
            any_extension: options.disable_extension_filter,
        })
    }

    fn take(&self, name: &str, path: &str) -> bool {
        (self.any_extension || is_manifest_name(name))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(path))
            && self.include.as_ref().is_none_or(|include| include.matches(path))
    }
}

/// Reads every manifest of the folder, in the order of their paths.
pub fn render_directory(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: &DirectoryOptions,
) -> Result<Vec<Manifest>, RenderError> {
    detect(tree, folder)?;
    let patterns = Patterns::new(options)?;
    let mut files = Vec::new();
    collect(tree, folder, folder, options.recurse, &patterns, &mut files)?;
    let mut manifests = Vec::new();
    let mut size = 0;
    for file in files {
        if file.file_name().ends_with(".jsonnet") {
            return Err(RenderError::NotSupported {
                path: file,
                feature: SourceType::Directory.as_str().to_owned() + " with Jsonnet",
            });
        }
        let content = tree.read(&file)?;
        size += content.len();
        if size > COMBINED_BYTES {
            return Err(RenderError::TooLarge { path: file, size, limit: COMBINED_BYTES });
        }
        if content.windows(SKIP_MARK.len()).any(|window| window == SKIP_MARK) {
            continue;
        }
        manifests.extend(parse(file.as_str(), &content, &Limits::default())?);
    }
    Ok(manifests)
}

fn collect(
    tree: &dyn FileTree,
    root: &TreePath,
    folder: &TreePath,
    recurse: bool,
    patterns: &Patterns,
    files: &mut Vec<TreePath>,
) -> Result<(), RenderError> {
    if folder.components().count() > DEEPEST + root.components().count() {
        return Err(RenderError::TooDeep { path: folder.clone(), limit: DEEPEST });
    }
    for entry in tree.list(folder)? {
        let path = folder.child(&entry.name);
        let kind = match entry.kind {
            Kind::Link => tree.kind(&path)?,
            kind => Some(kind),
        };
        match kind {
            // A link to a folder is not walked into: it could lead in a circle.
            Some(Kind::Directory) if recurse && entry.kind == Kind::Directory => {
                collect(tree, root, &path, recurse, patterns, files)?;
            }
            // Its objects are the app's; left out, they would be pruned.
            Some(Kind::Submodule) if recurse => return Err(TreeError::Submodule { path }.into()),
            Some(kind)
                if kind.is_file()
                    && patterns.take(&entry.name, path.relative_to(root).unwrap_or(path.as_str())) =>
            {
                files.push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_manifest_name(name: &str) -> bool {
    [".yaml", ".yml", ".json", ".jsonnet"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;

    fn pod(name: &str) -> String {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n")
    }

    fn names(options: &DirectoryOptions) -> Vec<String> {
        let (one, two, three, four, five) =
            (pod("a"), pod("b"), pod("c"), pod("d") + "# +argocd:skip-file-rendering\n", pod("e"));
        let tree = MemoryTree::of([
            ("app/a.yaml", one.as_str()),
            ("app/sub/b.yml", two.as_str()),
            ("app/c.json", three.as_str()),
            ("app/d.yaml", four.as_str()),
            ("app/README.md", "no manifest"),
            ("app/e.tmpl", five.as_str()),
            ("app/values.yaml", "replicas: 1\n"),
        ]);
        let manifests = render_directory(&tree, &TreePath::parse("app").unwrap(), options).unwrap();
        manifests.iter().map(|manifest| manifest.object.name().to_owned()).collect()
    }

    #[test]
    fn recurse_include_and_exclude_choose_files() {
        let options = |recurse: bool, include: &str, exclude: &str| DirectoryOptions {
            recurse,
            include: include.to_owned(),
            exclude: exclude.to_owned(),
            disable_extension_filter: false,
        };
        assert_eq!(names(&options(false, "", "")), ["a", "c"]);
        assert_eq!(names(&options(true, "", "")), ["a", "c", "b"]);
        assert_eq!(names(&options(true, "*.yml", "")), ["b"]);
        assert_eq!(names(&options(true, "", "{*.json,sub/*}")), ["a"]);
        let any = DirectoryOptions { disable_extension_filter: true, ..options(false, "[ae].*", "") };
        assert_eq!(names(&any), ["a", "e"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let tree = MemoryTree::of([("app/a.yaml", "")]);
        let error = render_directory(&tree, &TreePath::parse("gone").unwrap(), &DirectoryOptions::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "gone: app path does not exist");
    }
}
