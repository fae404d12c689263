//! Repository URLs as projects compare them, and the patterns over them.

use belay_filetree::Glob;

/// A URL in the spelling that is compared: lower case, without `.git`, `git@host:path` as `git@host/path`, escaped as Go's
/// net/url does. What Go does not read as a URL is the empty text.
pub(super) fn normalised(url: &str) -> String {
    let lower = url.trim().to_lowercase();
    let mut text = lower.as_str();
    let rewritten;
    if is_ssh(text) && !text.starts_with("ssh://") {
        rewritten = format!("ssh://{}", text.replacen(':', "/", 1));
        text = &rewritten;
    }
    let text = text.strip_suffix(".git").unwrap_or(text);
    let written = reread(text).unwrap_or_default();
    written.strip_prefix("ssh://").map(str::to_owned).unwrap_or(written)
}

/// `ssh://` or nothing, a user without slash and colon, and what follows the last `@`.
fn is_ssh(text: &str) -> bool {
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let user_and_place = |rest: &str| {
        rest.rsplit_once('@').is_some_and(|(user, place)| !user.contains(['/', ':']) && !place.is_empty())
    };
    user_and_place(rest) || user_and_place(text)
}

/// What Go's `url.Parse(text)` gives back as a text.
fn reread(text: &str) -> Option<String> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let (text, fragment) = match text.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (text, None),
    };
    let (text, query) = match text.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (text, None),
    };
    let mut written = place(text)?;
    if let Some(query) = query {
        written.push('?');
        written.push_str(query);
    }
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
        written.push('#');
        written.push_str(&escaped(fragment, "?")?);
    }
    Some(written)
}

/// Scheme, host and path.
fn place(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once(':') {
        Some(("", _)) => return None,
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let prefix = scheme.map(|scheme| format!("{scheme}:")).unwrap_or_default();
    if let Some(after) = rest.strip_prefix("//").filter(|after| scheme.is_some() || !after.starts_with('/')) {
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (format!("{}@", user.replace('@', "%40")), host),
            None => (String::new(), authority),
        };
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        // Only an address in brackets may have them.
        let is_address = host.rfind('[').is_none_or(|bracket| bracket == 0);
        if !is_address
            || !host.chars().all(may_be_in_a_host)
            || !port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        return Some(format!("{prefix}//{user}{host}{}", escaped(path, "")?));
    }
    if scheme.is_some() && !rest.starts_with('/') {
        return Some(format!("{prefix}{rest}"));
    }
    if scheme.is_none() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
        return None;
    }
    let between = if scheme.is_some() { "//" } else { "" };
    Some(format!("{prefix}{between}{}", escaped(rest, "")?))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

fn may_be_in_a_host(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || !letter.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"%".contains(letter)
}

/// A path is kept as it is written when all of it may stand in one; else it is written anew.
fn escaped(path: &str, also: &str) -> Option<String> {
    let is_escape = |at: usize| {
        let digits = path.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if path.match_indices('%').any(|(at, _)| !is_escape(at)) {
        return None;
    }
    let may_stand = |letter: char| {
        letter.is_ascii_alphanumeric() || "-_.~$&+,/:;=@!'()*[]%".contains(letter) || also.contains(letter)
    };
    if path.chars().all(may_stand) {
        return Some(path.to_owned());
    }
    // `!'()*[]` are escaped only when something else has to be, too.
    let mut written = String::new();
    for letter in path.chars() {
        if letter.is_ascii_alphanumeric() || "-_.~$&+,/:;=@%".contains(letter) || also.contains(letter) {
            written.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                written.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Some(written)
}

/// One entry of `sourceRepos`.
#[derive(Debug, Clone)]
pub(super) struct RepositoryPattern {
    pub(super) denies: bool,
    anything: bool,
    glob: Option<Glob>,
}

impl RepositoryPattern {
    pub(super) fn new(entry: &str) -> RepositoryPattern {
        let (denies, pattern) = entry.strip_prefix('!').map_or((false, entry), |rest| (true, rest));
        let pattern = normalised(pattern);
        RepositoryPattern {
            denies,
            anything: !denies && pattern == "*",
            glob: Glob::compile_path(&pattern).ok(),
        }
    }

    /// Whether the entry is about this URL, be it that it allows or denies it.
    pub(super) fn names(&self, normalised_url: &str) -> bool {
        // A denial that is no pattern denies everything: better than nothing.
        self.anything || self.glob.as_ref().map_or(self.denies, |glob| glob.is_match(normalised_url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded in `tests/oracle/argo` by `go run . urls`.
    #[test]
    fn urls_are_spelt_as_in_go() {
        for line in include_str!("urls.tsv").lines() {
            let (url, expected) = line.split_once('\t').unwrap();
            assert_eq!(normalised(url), expected, "{url}");
        }
    }
}
