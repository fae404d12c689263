//! Paths inside a tree: relative to its root, normal, and never outside of it.

use std::fmt;

/// A path below a tree's root, in normal form: `a/b/c`, no `.`, no `..`, no leading slash.
/// The root itself is the empty path, displayed as `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(String);

/// Why a text is not a path inside the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path is absolute; sources are addressed from their own root.
    #[error("{path:?} is absolute; a path must be relative to the root of its source")]
    Absolute {
        /// The path as it was written.
        path: String,
    },
    /// `..` climbs above the root.
    #[error("{path:?} leads outside of its source")]
    Outside {
        /// The path as it was written.
        path: String,
    },
    /// A NUL byte or another byte that no Git tree may hold in a name.
    #[error("{path:?} holds a character that no file name may have")]
    Character {
        /// The path as it was written.
        path: String,
    },
}

impl TreePath {
    /// The root of the tree.
    pub fn root() -> TreePath {
        TreePath::default()
    }

    /// Reads a path relative to the root: `./apps/my-app/` is `apps/my-app`.
    pub fn parse(path: &str) -> Result<TreePath, PathError> {
        TreePath::root().join(path)
    }

    /// Reads a path relative to this folder. `..` may climb as far as the root.
    pub fn join(&self, path: &str) -> Result<TreePath, PathError> {
        if path.starts_with('/') {
            return Err(PathError::Absolute { path: path.to_owned() });
        }
        if path.contains('\0') {
            return Err(PathError::Character { path: path.to_owned() });
        }
        let mut parts: Vec<&str> = self.components().collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Err(PathError::Outside { path: path.to_owned() });
                    }
                }
                name => parts.push(name),
            }
        }
        Ok(TreePath(parts.join("/")))
    }

    /// The path of an entry of this folder. `name` is one component, as a listing yields it.
    pub fn child(&self, name: &str) -> TreePath {
        if self.is_root() { TreePath(name.to_owned()) } else { TreePath(format!("{}/{name}", self.0)) }
    }

    /// The folder that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<TreePath> {
        if self.is_root() {
            return None;
        }
        let folder = self.0.rsplit_once('/').map_or("", |(folder, _)| folder);
        Some(TreePath(folder.to_owned()))
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// Whether this is the root of the tree.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `folder` is this path or holds it.
    pub fn is_within(&self, folder: &TreePath) -> bool {
        folder.is_root()
            || self.0 == folder.0
            || (self.0.starts_with(&folder.0) && self.0.as_bytes().get(folder.0.len()) == Some(&b'/'))
    }

    /// The path of this one as seen from `folder`, if it lies within.
    pub fn relative_to(&self, folder: &TreePath) -> Option<&str> {
        if !self.is_within(folder) {
            return None;
        }
        Some(self.0[folder.0.len()..].trim_start_matches('/'))
    }

    /// The components from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normal_and_stays_inside() {
        assert_eq!(TreePath::parse("./apps//my-app/").unwrap().as_str(), "apps/my-app");
        assert_eq!(TreePath::parse("apps/../base").unwrap().as_str(), "base");
        assert!(TreePath::parse("").unwrap().is_root());
        assert!(matches!(TreePath::parse("../x"), Err(PathError::Outside { .. })));
        assert!(matches!(TreePath::parse("a/../../x"), Err(PathError::Outside { .. })));
        assert!(matches!(TreePath::parse("/etc/passwd"), Err(PathError::Absolute { .. })));
        assert!(matches!(TreePath::parse("a\0b"), Err(PathError::Character { .. })));
    }

    #[test]
    fn within_compares_components_not_letters() {
        let apps = TreePath::parse("apps").unwrap();
        assert!(TreePath::parse("apps/a").unwrap().is_within(&apps));
        assert!(!TreePath::parse("apps2/a").unwrap().is_within(&apps));
        assert_eq!(TreePath::parse("apps/a/b").unwrap().relative_to(&apps), Some("a/b"));
        assert!(apps.is_within(&TreePath::root()));
    }

    #[test]
    fn parents_end_at_the_root() {
        let path = TreePath::parse("a/b").unwrap();
        assert_eq!(path.parent().unwrap().as_str(), "a");
        assert!(path.parent().unwrap().parent().unwrap().is_root());
        assert_eq!(TreePath::root().parent(), None);
        assert_eq!(path.file_name(), "b");
    }
}
