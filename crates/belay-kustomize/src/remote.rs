//! What lies outside of the tree that is built: other repositories, files by URL, charts.
//!
//! A build asks a [`Remotes`] for them, which its caller hands in; without one it refuses them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use belay_filetree::FileTree;

/// Fetches what a build refers to by URL. Texts of errors say what went wrong, for people.
pub trait Remotes: fmt::Debug + Send + Sync {
    /// The files of a repository at the reference.
    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn FileTree>, String>;

    /// The file at an `http(s)` URL; `None` where the server does not give one.
    fn file(&self, url: &str) -> Result<Option<Vec<u8>>, String>;

    /// The packaged chart (`.tgz`).
    fn chart(&self, chart: &RemoteChart) -> Result<Vec<u8>, String>;
}

/// A chart in a repository of charts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteChart {
    /// The repository's URL: `https://…` or `oci://…`.
    pub repository: String,
    /// The chart's name.
    pub name: String,
    /// Its version or range; empty for the newest.
    pub version: String,
    /// Whether versions under development count.
    pub devel: bool,
}

/// A folder of a repository, as a URL names both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRepository {
    /// What Git clones, such as `https://host/org/repo`.
    pub url: String,
    /// The folder in the repository; empty for its root.
    pub folder: String,
    /// Branch, tag or commit; empty for the default branch.
    pub reference: String,
    /// Whether submodules are wanted, as they are unless the URL says otherwise.
    pub submodules: bool,
    /// Most time for fetching.
    pub timeout: Duration,
}

const TIMEOUT: Duration = Duration::from_secs(27);

impl RemoteRepository {
    /// Reads a URL by the original's rules; `None` for what names no repository.
    pub fn parse(reference: &str) -> Option<RemoteRepository> {
        if reference.starts_with('/') {
            return None;
        }
        let (place, query) = reference.split_once('?').unwrap_or((reference, ""));
        let (host, path) = split_host(place)?;
        let (repository, folder) = split_path(path, host.starts_with(FILE))?;
        if repository.is_empty() || leaves(folder) {
            return None;
        }
        let mut remote = RemoteRepository {
            url: format!("{host}{repository}"),
            folder: folder.strip_prefix('/').unwrap_or(folder).to_owned(),
            reference: String::new(),
            submodules: true,
            timeout: TIMEOUT,
        };
        remote.read_query(query);
        Some(remote)
    }

    fn read_query(&mut self, query: &str) {
        let Some(pairs) = query_pairs(query) else { return };
        let value = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            found.filter(|value| !value.is_empty())
        };
        self.reference = value("ref").or_else(|| value("version")).unwrap_or_default().to_owned();
        if let Some(timeout) = value("timeout").and_then(duration) {
            self.timeout = timeout;
        }
        match value("submodules") {
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => self.submodules = true,
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => self.submodules = false,
            _ => {}
        }
    }
}

const FILE: &str = "file://";
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", FILE];

fn without_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Scheme, user and host with what parts them from the path, and the path.
fn split_host(text: &str) -> Option<(String, &str)> {
    let text = without_prefix(text, "git::").unwrap_or(text);
    let found = SCHEMES.iter().find_map(|scheme| Some((*scheme, without_prefix(text, scheme)?)));
    let (scheme, text) = found.unwrap_or(("", text));
    let (user, rest) = split_user(text);
    let lower = rest.to_ascii_lowercase();
    let is_github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let takes_colon = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !takes_colon {
        return None;
    }
    if scheme == FILE {
        return Some((scheme.to_owned(), text));
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|_| takes_colon);
    let separator = match (slash, colon) {
        (None, colon) => colon,
        (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
        (slash, _) => slash,
    };
    let (host, path) = separator.map_or((rest, ""), |at| rest.split_at(at + 1));
    match (is_github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => Some((format!("{user}github.com:"), path)),
        (true, false) => Some(("https://github.com/".to_owned(), path)),
        _ if host.is_empty() => None,
        _ => Some((format!("{scheme}{user}{host}"), path)),
    }
}

/// `name@` and the rest.
fn split_user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else { return ("", text) };
    let name = &text[..at];
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if starts && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
        text.split_at(at + 1)
    } else {
        ("", text)
    }
}

/// Repository and folder: parted by `_git/NAME`, `//` or `.git`, else after organisation and name.
fn split_path(path: &str, takes_all: bool) -> Option<(&str, &str)> {
    const ROOT: &str = "_git/";
    if let Some(at) = path.find(ROOT) {
        let name_at = at + ROOT.len();
        let end = path[name_at..].find('/').map_or(path.len(), |length| name_at + length);
        return Some((&path[..end], path[end..].strip_prefix('/').unwrap_or_default()));
    }
    if let Some(at) = path.find("//") {
        return Some((&path[..at], &path[at + 2..]));
    }
    if let Some(at) = path.find(".git") {
        return Some(path.split_at(at + ".git".len()));
    }
    if takes_all {
        return Some((path, ""));
    }
    let name_at = path.find('/')? + 1;
    match path[name_at..].find('/') {
        Some(length) => Some((&path[..name_at + length], &path[name_at + length + 1..])),
        None => Some((path, "")),
    }
}

/// Whether a folder lies above the root of its repository.
fn leaves(folder: &str) -> bool {
    let mut depth = 0_i32;
    for part in folder.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// Keys and values; `None` where one is badly escaped, which voids the whole query.
fn query_pairs(query: &str) -> Option<Vec<(String, String)>> {
    if query.contains(';') {
        return None;
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescaped(key)?, unescaped(value)?))
    });
    pairs.collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                bytes.push(u8::try_from(value).ok()?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Seconds, or numbers with units: `90`, `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let seconds = match text.parse::<u32>() {
        Ok(seconds) => f64::from(seconds),
        Err(_) => {
            let mut total = 0.0;
            let mut rest = text;
            while !rest.is_empty() {
                let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
                let number: f64 = rest[..digits].parse().ok()?;
                let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
                let (unit, factor) = units.into_iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
                total += number * factor;
                rest = &rest[digits + unit.len()..];
            }
            total
        }
    };
    (seconds > 0.0 && seconds < 1e6).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, String, String)> {
        let remote = RemoteRepository::parse(text)?;
        Some((remote.url, remote.folder, remote.reference))
    }

    fn parts(url: &str, folder: &str, reference: &str) -> Option<(String, String, String)> {
        Some((url.to_owned(), folder.to_owned(), reference.to_owned()))
    }

    #[test]
    fn urls_of_repositories_are_taken_apart() {
        let cases = [
            ("https://github.com/org/repo//a/b?ref=v1", parts("https://github.com/org/repo", "a/b", "v1")),
            ("github.com/org/repo/a?version=v2", parts("https://github.com/org/repo", "a", "v2")),
            ("git@github.com:org/repo.git//a", parts("git@github.com:org/repo.git", "a", "")),
            ("ssh://git@github.com/org/repo", parts("git@github.com:org/repo", "", "")),
            ("git::https://example.com/org/repo.git/a", parts("https://example.com/org/repo.git", "a", "")),
            (
                "https://dev.example.com/org/project/_git/repo/a/b",
                parts("https://dev.example.com/org/project/_git/repo", "a/b", ""),
            ),
            ("file:///srv/repo//a", parts("file:///srv/repo", "a", "")),
            ("user@host.xz:path/to/repo.git/", parts("user@host.xz:path/to/repo.git", "", "")),
            ("https://github.com/org/repo//../x", None),
            ("https://example.com/org", None),
            ("../base", None),
            ("base", None),
            ("/srv/base", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn queries_say_how_to_fetch() {
        let remote =
            RemoteRepository::parse("https://h/o/r?timeout=1m30s&submodules=false&ref=a%2Fb").unwrap();
        assert_eq!(remote.timeout, Duration::from_secs(90));
        assert!(!remote.submodules);
        assert_eq!(remote.reference, "a/b");
        assert_eq!(RemoteRepository::parse("https://h/o/r?timeout=12").unwrap().timeout.as_secs(), 12);
    }
}
