//! `Deployment/web:spec.replicas`

use std::fmt;
use std::str::FromStr;

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The object's kind, in any case.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The field; nothing for the whole object.
    pub field: Vec<FieldStep>,
}

/// A step to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldStep {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// A text is no field of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not of the form Kind/name:path.to[0].field")]
pub struct TargetError {
    text: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Target, TargetError> {
        let wrong = || TargetError { text: text.to_owned() };
        let (kind, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (name, field) = rest.split_once(':').unwrap_or((rest, ""));
        if kind.is_empty() || name.is_empty() {
            return Err(wrong());
        }
        let field = field_steps(field).ok_or_else(wrong)?;
        Ok(Target { kind: kind.to_owned(), name: name.to_owned(), field })
    }
}

/// `a.b[0]["c.d/e"]`
fn field_steps(text: &str) -> Option<Vec<FieldStep>> {
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix('.').unwrap_or(text);
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, after) = quoted.split_once("\"]")?;
            steps.push(FieldStep::Key(key.to_owned()));
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']')?;
            steps.push(FieldStep::Index(index.parse().ok()?));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(FieldStep::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return None;
            }
            rest = after;
        }
    }
    Some(steps)
}

impl Target {
    /// The field as text.
    pub fn field_text(&self) -> String {
        let mut text = String::new();
        for step in &self.field {
            match step {
                FieldStep::Key(key) if key.contains(['.', '[', '/']) => text.push_str(&format!("[{key:?}]")),
                FieldStep::Key(key) if text.is_empty() => text.push_str(key),
                FieldStep::Key(key) => text.push_str(&format!(".{key}")),
                FieldStep::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)?;
        if self.field.is_empty() { Ok(()) } else { write!(formatter, ":{}", self.field_text()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        for text in ["Deployment/web", "Deployment/web:spec.replicas", "Pod/x:spec.containers[0].image"] {
            assert_eq!(text.parse::<Target>().expect(text).to_string(), text);
        }
        let dotted: Target = "ConfigMap/x:metadata.labels[\"a.b/c\"]".parse().expect("a target");
        assert_eq!(dotted.field[2], FieldStep::Key("a.b/c".to_owned()));
        for text in ["", "web", "/web", "Pod/", "Pod/x:a..b", "Pod/x:a[", "Pod/x:a[b]", "Pod/x:a."] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
