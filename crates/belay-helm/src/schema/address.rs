//! The addresses of schemas: URLs with fragments that are pointers or anchors.

use belay_gotemplate::Url;

use super::fault::Fault;

/// A URL, and its fragment decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) fragment: String,
}

impl Address {
    /// What a reference found at the base refers to.
    pub(super) fn join(base: &str, reference: &str) -> Result<Self, Fault> {
        let parse = |text: &str| {
            Url::parse(text.as_bytes()).map_err(|reason| Fault::Address { text: text.to_owned(), reason })
        };
        let base = parse(base)?;
        let (reference, fragment) = split_fragment(reference)?;
        let reference = parse(reference)?;
        let mut url = base.resolve(&reference);
        // Go forgets what stands behind `urn:`.
        if reference.scheme().is_empty() && !base.opaque().is_empty() {
            url.set_opaque(base.opaque());
        }
        Ok(Self { url: String::from_utf8_lossy(&url.text()).into_owned(), fragment })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}#{}", self.url, encode(&self.fragment))
    }
}

/// The part before the first `#`, and the part behind it.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once('#').unwrap_or((text, ""))
}

/// The same with the fragment decoded.
pub(super) fn split_fragment(text: &str) -> Result<(&str, String), Fault> {
    let (url, fragment) = split(text);
    match decode(fragment) {
        Ok(fragment) => Ok((url, fragment)),
        Err(reason) => Err(Fault::Address { text: text.to_owned(), reason }),
    }
}

/// The fragment with its `%xx` as bytes.
pub(super) fn decode(fragment: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            bytes.push(*byte);
            rest = after;
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let Some((high, low)) = digit(0).zip(digit(1)) else {
            let sequence = &rest[..rest.len().min(3)];
            return Err(format!("invalid URL escape {}", belay_gotemplate::go_quote(sequence)));
        };
        bytes.push((high * 16 + low) as u8);
        rest = &after[2..];
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The fragment as a URL shows it; slashes stay.
pub(super) fn encode(fragment: &str) -> String {
    let mut text = String::with_capacity(fragment.len());
    for byte in fragment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+=:@/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A name as it stands in a pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name that stands in a pointer.
pub(super) fn unescape(token: &str) -> Option<String> {
    let (plain, mut rest) = token.split_once('~').map_or((token, None), |(plain, rest)| (plain, Some(rest)));
    let mut name = plain.to_owned();
    while let Some(escaped) = rest {
        let (character, after) = escaped
            .strip_prefix('0')
            .map(|after| ('~', after))
            .or_else(|| escaped.strip_prefix('1').map(|after| ('/', after)))?;
        name.push(character);
        let (plain, next) = after.split_once('~').map_or((after, None), |(plain, next)| (plain, Some(next)));
        name.push_str(plain);
        rest = next;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_gos_do() {
        for (base, reference, expected) in [
            ("file:///values.schema.json", "#/a%20b", "file:///values.schema.json#/a%20b"),
            ("file:///values.schema.json", "other.json", "file:///other.json#"),
            ("http://x/a/b?q", "../c#d", "http://x/c#d"),
            ("http://x/a/b?q", "#d", "http://x/a/b?q#d"),
            ("urn:a:b", "#c", "urn:a:b#c"),
            ("http://x/a", "urn:c", "urn:c#"),
            ("http://x/a/b/", "./c/./d/..", "http://x/a/b/c/#"),
        ] {
            let joined = Address::join(base, reference).expect("good references");
            assert_eq!(joined.to_string(), expected, "{base} {reference}");
        }
        assert!(Address::join("http://x", "#%zz").is_err());
    }

    #[test]
    fn pointers_escape_both_ways() {
        assert_eq!(unescape("a~1b~0~01").as_deref(), Some("a/b~~1"));
        assert_eq!(escape("a/b~~1"), "a~1b~0~01");
        assert_eq!(unescape("~"), None);
        assert_eq!(unescape("a~2"), None);
    }
}
