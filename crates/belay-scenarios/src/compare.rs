//! Whether what is seen holds what is wanted.

use serde_json::Value;

/// The first field of `wanted` that `seen` does not hold.
pub(crate) fn first_fault(seen: &Value, wanted: &Value, path: &str) -> Option<String> {
    match (seen, wanted) {
        (_, Value::Null) => None,
        (Value::Object(seen), Value::Object(wanted)) => wanted.iter().find_map(|(name, value)| {
            first_fault(seen.get(name).unwrap_or(&Value::Null), value, &format!("{path}/{name}"))
        }),
        (Value::Array(seen), Value::Array(wanted)) => wanted.iter().find_map(|item| {
            let found = seen.iter().any(|candidate| first_fault(candidate, item, "").is_none());
            (!found).then(|| format!("{path}: expected an item {item}, seen {}", Value::from(seen.clone())))
        }),
        (Value::String(text), Value::String(word)) if holds_word(text, word) => None,
        (seen, wanted) if seen == wanted => None,
        (seen, wanted) => Some(format!("{path}: expected {wanted}, seen {seen}")),
    }
}

fn holds_word(text: &str, word: &str) -> bool {
    match word.split_at_checked(1) {
        Some(("~", part)) => text.contains(part),
        Some(("!", other)) => !text.is_empty() && text != other,
        _ => text == word,
    }
}

/// The first of the JSON pointers that leads to something.
pub(crate) fn present(seen: &Value, pointers: &[String]) -> Option<String> {
    let found =
        pointers.iter().find(|pointer| seen.pointer(pointer).is_some_and(|value| !value.is_null()))?;
    Some(format!("{found}: expected nothing, seen {}", seen.pointer(found).unwrap_or(&Value::Null)))
}

/// The first of the parts that does not follow those before it; runs of spaces count as one.
pub(crate) fn missing_part<'a>(text: &str, parts: &'a [String]) -> Option<&'a str> {
    let text = single_spaced(text);
    let mut rest = text.as_str();
    for part in parts {
        let wanted = single_spaced(part);
        match rest.split_once(wanted.as_str()) {
            Some((_, after)) => rest = after,
            None => return Some(part),
        }
    }
    None
}

/// The first of the parts that is in the text.
pub(crate) fn present_part<'a>(text: &str, parts: &'a [String]) -> Option<&'a str> {
    let text = single_spaced(text);
    parts.iter().find(|part| text.contains(&single_spaced(part))).map(String::as_str)
}

fn single_spaced(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_holds_its_items_in_any_order_and_words_may_be_parts() {
        let seen = json!({"items": [{"name": "a", "text": "hello world"}, {"name": "b"}], "more": 1});
        assert_eq!(first_fault(&seen, &json!({"items": [{"name": "b"}, {"text": "~o w"}]}), ""), None);
        let fault = first_fault(&seen, &json!({"items": [{"name": "c"}]}), "").unwrap_or_default();
        assert!(fault.starts_with("/items: expected an item"), "{fault}");
        assert_eq!(first_fault(&seen, &json!({"more": 2}), "").as_deref(), Some("/more: expected 2, seen 1"));
        assert_eq!(first_fault(&json!("new"), &json!("!old"), ""), None);
        assert!(first_fault(&json!("old"), &json!("!old"), "").is_some());
    }

    #[test]
    fn parts_follow_each_other_and_spaces_do_not_count() {
        let text = "NAME   READY\nweb    1/1  \n";
        let parts = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        assert_eq!(missing_part(text, &parts(&["NAME READY", "web 1/1"])), None);
        assert_eq!(missing_part(text, &parts(&["web 1/1", "NAME"])), Some("NAME"));
        assert_eq!(present_part(text, &parts(&["api", "web 1/1"])), Some("web 1/1"));
    }
}
