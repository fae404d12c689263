//! Web and mail addresses in `Chart.yaml`, as Helm's linter judges them.

/// A URL with a scheme, as a request may carry it.
pub(super) fn is_request_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !letters(scheme) {
        return false;
    }
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) || !escapes_hold(rest) {
        return false;
    }
    let Some(rest) = rest.strip_prefix("//") else { return true };
    is_authority(rest.split(['/', '?']).next().unwrap_or_default())
}

/// Every `%` is followed by two hexadecimal digits.
fn escapes_hold(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    path.split('%')
        .skip(1)
        .all(|after| after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// `user@host:port`
fn is_authority(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let forbidden = |letter: char| letter == ' ' || letter == '\\' || letter == '^' || letter == '`';
    if host.contains(forbidden) || host.contains(['{', '}', '|', '"', '<', '>', '#']) && host.contains(' ') {
        return false;
    }
    let Some((_, port)) = host.rsplit_once(':').filter(|_| !host.ends_with(']')) else { return true };
    port.bytes().all(|byte| byte.is_ascii_digit())
}

const SCHEMES: [&str; 7] = ["ftp", "tcp", "udp", "ws", "wss", "http", "https"];

/// A web address; its scheme may be left out.
pub(super) fn is_url(text: &str) -> bool {
    let length = text.chars().count();
    if length <= 3 || length >= 2083 || text.starts_with('.') || text.contains(char::is_whitespace) {
        return false;
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if SCHEMES.contains(&scheme) => rest,
        Some(_) => return false,
        None => text,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_holds = port
        .is_none_or(|port| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()));
    let inner = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let is_name = !name.is_empty()
        && name.starts_with(char::is_alphanumeric)
        && name.ends_with(|letter: char| letter.is_alphanumeric() || letter == '.')
        && name.chars().all(inner);
    port_holds && (is_name || name.starts_with('[') && name.ends_with(']'))
}

/// A mail address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((person, domain)) = text.rsplit_once('@') else { return false };
    let in_person = |letter: char| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter);
    let quoted = person.len() > 2 && person.starts_with('"') && person.ends_with('"');
    let person_holds =
        quoted || person.split('.').all(|part| !part.is_empty() && part.chars().all(in_person));
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let in_domain = |letter: char| letter.is_alphanumeric() || "-_~".contains(letter);
    person_holds
        && domain.split('.').all(|part| {
            part.starts_with(char::is_alphanumeric)
                && part.ends_with(char::is_alphanumeric)
                && part.chars().all(in_domain)
        })
        && top.starts_with(char::is_alphabetic)
        && top.ends_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        for good in ["https://example.com/x.png", "http://a.b:80/c?d", "mailto:x", "oci://a/b"] {
            assert!(is_request_url(good), "{good}");
        }
        for bad in ["", "example.com/x", "/path", "http://a b/", "http://a:x/", "http://a/%zz"] {
            assert!(!is_request_url(bad), "{bad}");
        }
        for good in ["example.com", "https://github.com/someone", "http://10.0.0.1:80/"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["a b.com", "gopher://x.org", "http://", "-x.org"] {
            assert!(!is_url(bad), "{bad}");
        }
        for good in ["a@b.co", "first.last+tag@sub.example.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["a", "a@b", "a@b.1", "a b@c.de", "@c.de", "a..b@c.de"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
