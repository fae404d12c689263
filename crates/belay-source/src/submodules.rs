//! `.gitmodules`: which repositories stand at which paths.

use belay_filetree::TreePath;
use gix::bstr::ByteSlice;

/// More submodules in one repository are not fetched.
const MOST: usize = 100;

/// A repository in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// Where its files stand.
    pub path: TreePath,
    /// Where it comes from.
    pub url: String,
}

/// Why submodules are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
}

/// Reads `.gitmodules` of the repository at `parent`.
pub fn submodules(content: &[u8], parent: &str) -> Result<Vec<Submodule>, SubmoduleError> {
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
pub fn is_same_server(one: &str, other: &str) -> bool {
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
        assert_eq!(read("[submodule"), Err(SubmoduleError::Unreadable));
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
