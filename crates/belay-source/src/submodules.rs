//! Submodules: which repositories stand at which paths, by `.gitmodules`, and a tree with their files in it.

use std::sync::Arc;
use std::time::Duration;

use belay_filetree::{ComposedTree, FileTree, Kind, TreeError, TreePath};
use gix::bstr::ByteSlice;

use crate::access::Access;
use crate::repositories::{CheckoutError, Repositories, Request};
use crate::revision::Revision;

/// More submodules, in one repository or in all, are not fetched.
const MOST: usize = 100;
/// Submodules in submodules are followed this deep.
const DEEPEST: usize = 10;

/// A repository in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Submodule {
    /// Where its files stand.
    path: TreePath,
    /// Where it comes from.
    url: String,
}

/// Why submodules are not known.
#[derive(Debug, thiserror::Error)]
pub enum SubmoduleError {
    /// The file is no Git configuration.
    #[error(".gitmodules cannot be read")]
    Unreadable,
    /// There are too many.
    #[error(".gitmodules names more than {MOST} submodules")]
    TooMany,
    /// A path leads out of the repository.
    #[error("submodule {name:?}: path {path:?} is not one of the repository")]
    Path {
        /// The submodule.
        name: String,
        /// Its path.
        path: String,
    },
    /// The URL is of no server.
    #[error("submodule {name:?}: only http, https and ssh URLs are fetched")]
    Url {
        /// The submodule.
        name: String,
    },
    /// Submodules have submodules, and so on.
    #[error("more than {MOST} submodules, or {DEEPEST} in each other")]
    TooDeep,
    /// The repository's own files cannot be read.
    #[error("the submodules of {url} cannot be read")]
    Tree {
        /// The repository.
        url: String,
        /// Why.
        #[source]
        source: TreeError,
    },
    /// One cannot be fetched.
    #[error("submodule '{path}'")]
    Checkout {
        /// Where it stands.
        path: TreePath,
        /// Why.
        #[source]
        source: Box<CheckoutError>,
    },
}

impl SubmoduleError {
    /// Whether another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, SubmoduleError::Checkout { source, .. } if source.transient)
    }
}

/// A commit of a repository that stands at a path.
struct Wanted {
    path: TreePath,
    url: String,
    commit: String,
}

/// A checkout's tree with the files of its submodules, and of theirs, in it; the tree itself if it has none.
/// Their servers are asked with the access of `request` only where they are the one that it is for.
pub async fn with_submodules(
    repositories: &dyn Repositories,
    request: &Request,
    tree: Arc<dyn FileTree>,
) -> Result<Arc<dyn FileTree>, SubmoduleError> {
    let own = tree.clone();
    let mut whole = ComposedTree::new(tree.clone());
    let mut left = vec![(TreePath::root(), tree, request.url.clone(), 0)];
    let mut count = 0;
    while let Some((at, tree, url, depth)) = left.pop() {
        let wanted = wanted(tree.as_ref(), &url)?;
        count += wanted.len();
        if count > MOST || (depth == DEEPEST && !wanted.is_empty()) {
            return Err(SubmoduleError::TooDeep);
        }
        for Wanted { path, url, commit } in wanted {
            let place = path.as_str().split('/').fold(at.clone(), |place, name| place.child(name));
            let found = repositories.checkout(&asked(request, &url, commit)).await.map_err(|source| {
                SubmoduleError::Checkout { path: place.clone(), source: Box::new(source) }
            })?;
            whole.put(place.clone(), found.tree.clone(), TreePath::root());
            left.push((place, found.tree, url, depth + 1));
        }
    }
    Ok(if count == 0 { own } else { Arc::new(whole) })
}

/// A login is shown to the server that it is for, and to no other that a commit names.
fn asked(request: &Request, url: &str, commit: String) -> Request {
    let access = match is_same_server(url, &request.url) {
        true => request.access.clone(),
        false => Access { proxy: request.access.proxy.clone(), ..Access::default() },
    };
    Request {
        url: url.to_owned(),
        revision: Revision::name(commit),
        access,
        max_age: Duration::MAX,
        timeout: request.timeout,
    }
}

/// The submodules of a tree that `.gitmodules` knows.
fn wanted(tree: &dyn FileTree, url: &str) -> Result<Vec<Wanted>, SubmoduleError> {
    let unreadable = |source| SubmoduleError::Tree { url: url.to_owned(), source };
    let file = TreePath::root().child(".gitmodules");
    if tree.lookup(&file).map_err(unreadable)?.is_none_or(|entry| !entry.kind.is_file()) {
        return Ok(Vec::new());
    }
    let content = tree.load(&file).map_err(unreadable)?;
    let mut found = Vec::new();
    for module in submodules(&content, url)? {
        if let Some(entry) = tree.lookup(&module.path).map_err(unreadable)?
            && entry.kind == Kind::Submodule
        {
            let commit = entry.id.as_str().to_owned();
            found.push(Wanted { path: module.path, url: module.url, commit });
        }
    }
    Ok(found)
}

/// Reads `.gitmodules` of the repository at `parent`.
fn submodules(content: &[u8], parent: &str) -> Result<Vec<Submodule>, SubmoduleError> {
    let metadata = gix::config::file::Metadata::default();
    let file = gix::config::File::from_bytes_no_includes(content, metadata, Default::default())
        .map_err(|_quotes| SubmoduleError::Unreadable)?;
    let mut found = Vec::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let name = section.header().subsection_name().map(|name| name.to_str_lossy().into_owned());
        let name = name.unwrap_or_default();
        let value = |key: &str| section.value(key).map(|value| value.to_str_lossy().into_owned());
        let (Some(path), Some(url)) = (value("path"), value("url")) else { continue };
        let place = TreePath::parse(&path).ok().filter(|place| !place.is_root());
        let Some(place) = place else { return Err(SubmoduleError::Path { name, path }) };
        let url = absolute(&url, parent).ok_or(SubmoduleError::Url { name })?;
        found.push(Submodule { path: place, url });
        if found.len() > MOST {
            return Err(SubmoduleError::TooMany);
        }
    }
    Ok(found)
}

/// Whether two URLs are of one server: what is shown to it may be shown again.
fn is_same_server(one: &str, other: &str) -> bool {
    let server = |url: &str| {
        let url = url::Url::parse(url).ok()?;
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()))
    };
    server(one).is_some_and(|server_of_one| server(other) == Some(server_of_one))
}

fn absolute(url: &str, parent: &str) -> Option<String> {
    if !url.starts_with("./") && !url.starts_with("../") {
        let is_of_a_server = ["http://", "https://", "ssh://"].iter().any(|scheme| url.starts_with(scheme));
        return is_of_a_server.then(|| url.to_owned());
    }
    let (scheme, rest) = parent.trim_end_matches('/').split_once("://")?;
    let mut parts: Vec<&str> = rest.split('/').collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            // The server itself stays.
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => return None,
            name => parts.push(name),
        }
    }
    Some(format!("{scheme}://{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "https://git.example.org/team/app.git";

    fn read(text: &str) -> Result<Vec<Submodule>, SubmoduleError> {
        submodules(text.as_bytes(), PARENT)
    }

    fn one(path: &str, url: &str) -> Result<String, SubmoduleError> {
        let found = read(&format!("[submodule \"lib\"]\n\tpath = {path}\n\turl = {url}\n"))?;
        Ok(found[0].url.clone())
    }

    #[test]
    fn urls_are_absolute_or_beside_the_repository() {
        assert_eq!(one("lib", "https://other.org/x").unwrap(), "https://other.org/x");
        assert_eq!(one("lib", "../lib.git").unwrap(), "https://git.example.org/team/lib.git");
        assert_eq!(one("lib", "../../b/lib").unwrap(), "https://git.example.org/b/lib");
        assert_eq!(read("[core]\n\tbare = true\n").unwrap(), []);
    }

    #[test]
    fn neither_this_machine_nor_its_files_are_reached() {
        for url in ["/etc", "file:///etc", "git@host:x", "ext::sh -c id", "../../../../../etc"] {
            assert!(matches!(one("lib", url), Err(SubmoduleError::Url { .. })), "{url}");
        }
        for path in ["../out", "/etc", "."] {
            assert!(matches!(one(path, "https://a.org/x"), Err(SubmoduleError::Path { .. })), "{path}");
        }
        assert!(matches!(read("[submodule"), Err(SubmoduleError::Unreadable)));
    }

    #[test]
    fn a_login_is_for_its_server_alone() {
        assert!(is_same_server(PARENT, "https://git.example.org:443/other"));
        for other in
            ["http://git.example.org/x", "https://git.example.org:8443/x", "https://example.org/x", "nothing"]
        {
            assert!(!is_same_server(PARENT, other), "{other}");
        }
    }
}
