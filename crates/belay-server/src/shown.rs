//! What people may see of texts that others wrote: the password in a URL is a secret's value, too.

use belay_manifest::MASK;
use serde_json::Value;

/// The text with the user and password of each URL in it masked.
pub(crate) fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find("://") {
        let (before, after) = rest.split_at(place + "://".len());
        shown.push_str(before);
        // A password may hold an `@` itself, so the last one counts.
        let authority = after.split(['/', '?', '#', '"', '\'', '`', '<', '>']).next().unwrap_or_default();
        let authority = authority.split(char::is_whitespace).next().unwrap_or_default();
        match authority.rfind('@') {
            Some(at) => {
                shown.push_str(MASK);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

/// The same for every text in a value.
pub(crate) fn value(value: Value) -> Value {
    match value {
        Value::String(found) if found.contains("://") => Value::String(text(&found)),
        Value::Array(items) => items.into_iter().map(self::value).collect(),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(name, entry)| (name, self::value(entry))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn passwords_in_urls_are_masked_wherever_they_stand() {
        for (given, expected) in [
            ("https://g/a", "https://g/a"),
            ("https://user:canary@g/a.git", "https://++++++++@g/a.git"),
            ("https://canary@g", "https://++++++++@g"),
            ("https://u:canary@canary@g/x@y", "https://++++++++@g/x@y"),
            (
                "fetch of \"ssh://git:canary@g:22/a\": http://g/b@c failed",
                "fetch of \"ssh://++++++++@g:22/a\": http://g/b@c failed",
            ),
            ("see https://g mail a@b", "see https://g mail a@b"),
            ("git@g:acme/a", "git@g:acme/a"),
            ("://", "://"),
        ] {
            assert_eq!(text(given), expected);
        }
        let nested = json!({"a": [{"b": "postgres://u:canary@db/x"}, 1], "c": null});
        assert_eq!(value(nested), json!({"a": [{"b": "postgres://++++++++@db/x"}, 1], "c": null}));
    }
}
