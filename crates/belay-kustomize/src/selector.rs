//! Which objects a patch or replacement means.

use regex::Regex;
use serde_json::Value;

use crate::error::Error;
use crate::id::Gvk;
use crate::kustomization::Selector;
use crate::resource::Resource;
use crate::resources::Resources;

/// Which finished objects a selector means.
pub struct ObjectSelector(Matcher);

impl ObjectSelector {
    /// Reads a selector: expressions that cover whole texts, and label selectors.
    pub fn new(selector: &Selector) -> Result<ObjectSelector, Error> {
        Matcher::new(selector).map(ObjectSelector)
    }

    /// Whether it means this object.
    pub fn selects(&self, object: &Value) -> bool {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let resource = Resource::new(object.clone());
        self.0.matches_gvk(&resource.gvk())
            && self.0.matches_name(text("/metadata/name"))
            && self.0.matches_namespace(text("/metadata/namespace"))
            && self.0.matches_metadata(&resource)
    }
}

/// A selector with its expressions compiled.
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Requirements,
    annotations: Requirements,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Matcher, Error> {
        Ok(Matcher {
            group: anchored(&selector.group)?,
            version: anchored(&selector.version)?,
            kind: anchored(&selector.kind)?,
            name: anchored(&selector.name)?,
            namespace: anchored(&selector.namespace)?,
            labels: Requirements::parse(&selector.label_selector)?,
            annotations: Requirements::parse(&selector.annotation_selector)?,
        })
    }

    /// The objects meant by a patch's target: their first and their present names count.
    pub(crate) fn select(&self, resources: &Resources) -> Vec<usize> {
        let selected = resources.iter().enumerate().filter(|(_, resource)| self.selects(resource));
        selected.map(|(at, _)| at).collect()
    }

    fn selects(&self, resource: &Resource) -> bool {
        if !self.matches_gvk(&resource.gvk()) || !self.matches_metadata(resource) {
            return false;
        }
        let (original, current) = (resource.original_id(), resource.id());
        (self.matches_namespace(&original.namespace) || self.matches_namespace(&current.namespace))
            && (self.matches_name(&original.name) || self.matches_name(&current.name))
    }

    pub(crate) fn matches_gvk(&self, gvk: &Gvk) -> bool {
        matches(&self.group, &gvk.group)
            && matches(&self.version, &gvk.version)
            && matches(&self.kind, &gvk.kind)
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        matches(&self.name, name)
    }

    pub(crate) fn matches_namespace(&self, namespace: &str) -> bool {
        matches(&self.namespace, namespace)
    }

    /// Whether labels and annotations are as the selector wants them.
    pub(crate) fn matches_metadata(&self, resource: &Resource) -> bool {
        self.labels.hold(|| resource.metadata_map("labels"))
            && self.annotations.hold(|| resource.metadata_map("annotations"))
    }
}

/// Compiles a pattern that must cover the whole text; an empty one matches everything.
pub(crate) fn anchored(pattern: &str) -> Result<Option<Regex>, Error> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let invalid = |error| Error::rule(format!("'{pattern}' is no regular expression: {error}"));
    Regex::new(&format!("^(?:{pattern})$")).map(Some).map_err(invalid)
}

fn matches(pattern: &Option<Regex>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

/// A label selector: all of its requirements must hold.
#[derive(Debug, Default)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl Requirements {
    /// Reads `a=b,c!=d,e in (f, g),h notin (i),j,!k`.
    pub(crate) fn parse(text: &str) -> Result<Requirements, Error> {
        let mut requirements = Vec::new();
        for part in split_outside_brackets(text) {
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    continue;
                }
                return Err(Error::rule(format!("'{text}' is no label selector: a requirement is empty")));
            }
            let rule =
                requirement(part).ok_or_else(|| Error::rule(format!("'{part}' is no label requirement")))?;
            requirements.push(rule);
        }
        Ok(Requirements(requirements))
    }

    fn hold(&self, labels: impl FnOnce() -> Vec<(String, String)>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let labels = labels();
        self.0.iter().all(|requirement| {
            let value =
                labels.iter().find(|(key, _)| *key == requirement.key).map(|(_, value)| value.as_str());
            requirement.rule.holds(value)
        })
    }
}

impl Rule {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = |value: &str| value.parse::<i64>().ok();
        match self {
            Rule::Exists => value.is_some(),
            Rule::Missing => value.is_none(),
            Rule::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Rule::NotIn(values) => value.is_none_or(|value| values.iter().all(|unwanted| unwanted != value)),
            Rule::Greater(bound) => value.and_then(number).is_some_and(|value| value > *bound),
            Rule::Less(bound) => value.and_then(number).is_some_and(|value| value < *bound),
        }
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return Some(Requirement { key: label_key(key)?, rule: Rule::Missing });
    }
    for (operator, rule) in [
        ("!=", (|value| Some(Rule::NotIn(vec![value]))) as fn(String) -> Option<Rule>),
        ("==", |value| Some(Rule::In(vec![value]))),
        ("=", |value| Some(Rule::In(vec![value]))),
        (">", |value| value.parse().ok().map(Rule::Greater)),
        ("<", |value| value.parse().ok().map(Rule::Less)),
    ] {
        if let Some((key, value)) = part.split_once(operator) {
            return Some(Requirement { key: label_key(key)?, rule: rule(label_value(value)?)? });
        }
    }
    if let Some(open) = part.find('(') {
        let mut words = part[..open].split_whitespace();
        let (key, operator) = (label_key(words.next()?)?, words.next()?);
        let inside = part[open + 1..].trim_end().strip_suffix(')')?;
        let values = inside.split(',').map(label_value).collect::<Option<Vec<_>>>()?;
        let rule = match operator {
            "in" => Rule::In(values),
            "notin" => Rule::NotIn(values),
            _ => return None,
        };
        return words.next().is_none().then_some(Requirement { key, rule });
    }
    Some(Requirement { key: label_key(part)?, rule: Rule::Exists })
}

fn label_key(text: &str) -> Option<String> {
    let key = text.trim();
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    (is_label_text(name) && !name.is_empty() && !key.contains(char::is_whitespace)).then(|| key.to_owned())
}

fn label_value(text: &str) -> Option<String> {
    let value = text.trim();
    is_label_text(value).then(|| value.to_owned())
}

/// What a label may be: letters and digits at both ends, `-_.` between, 63 at most.
fn is_label_text(text: &str) -> bool {
    let inner = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let outer = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63 && text.chars().all(inner) && outer(text.chars().next()) && outer(text.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = || labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Requirements::parse(selector).unwrap().hold(labels)
    }

    #[test]
    fn requirements_hold_together() {
        assert!(holds("a=b,c!=d", &[("a", "b")]));
        assert!(!holds("a=b,c!=d", &[("a", "b"), ("c", "d")]));
        assert!(holds("a in (x, y),!z", &[("a", "y")]));
        assert!(!holds("a notin (x,y)", &[("a", "x")]));
        assert!(holds("n > 3", &[("n", "4")]));
        assert!(holds("example.com/a", &[("example.com/a", "")]));
    }

    #[test]
    fn nonsense_is_refused() {
        for selector in ["a in x", "a b", "a=b=c,", "=x", "a in (x"] {
            assert!(Requirements::parse(selector).is_err(), "{selector}");
        }
    }
}
