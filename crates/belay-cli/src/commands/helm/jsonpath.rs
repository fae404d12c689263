//! JSONPath templates as client-go reads them: `{.image.tag}`, `{range .ports[*]}{.name}{"\n"}{end}`.

mod evaluate;
mod parse;

use serde_json::Value;

/// A template, and what it writes of a value.
pub(super) struct JsonPath {
    nodes: Vec<Node>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// One after the other, each of what the one before found.
    List(Vec<Node>),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Field(String),
    Wildcard,
    Recursive,
    /// From, to and step; the second may follow from the first.
    Slice([Option<i64>; 3], bool),
    Union(Vec<Node>),
    /// Left, operator and right; without a right, whether there is a left.
    Filter(Box<Node>, String, Box<Node>),
    /// `range` and `end`
    Word(String),
}

impl JsonPath {
    /// Reads a template.
    pub(super) fn parse(template: &str) -> Result<JsonPath, String> {
        Ok(JsonPath { nodes: parse::template(template)? })
    }

    /// What the template writes; what it cannot find is an error.
    pub(super) fn execute(&self, value: &Value) -> Result<String, String> {
        evaluate::execute(&self.nodes, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the file: a template, and what `helm show values CHART --jsonpath TEMPLATE` printed, as JSON texts.
    #[test]
    fn templates_print_what_helm_prints() {
        let values = belay_goyaml::to_json(include_str!("jsonpath/values.yaml")).unwrap();
        let mut checked = 0;
        for line in include_str!("jsonpath/recorded.txt").lines() {
            let (template, expected) = line.split_once('\t').unwrap();
            let template: String = serde_json::from_str(template).unwrap();
            let expected: String = serde_json::from_str(expected).unwrap();
            let printed = match JsonPath::parse(&template) {
                Ok(path) => path.execute(&values).unwrap_or_default(),
                Err(error) => format!("Error: error parsing jsonpath {template}: {error}\n"),
            };
            assert_eq!(printed, expected, "{template}");
            checked += 1;
        }
        assert!(checked > 50, "only {checked} templates were found");
    }

    #[test]
    fn bad_h1_deep_templates_are_refused() {
        let deep = format!("{{.a{}}}", "[?(@.b".repeat(100_000));
        assert!(JsonPath::parse(&deep).is_err());
        let many = format!("{{{}}}", ".a".repeat(100_000));
        let not_found = Err("a is not found".to_owned());
        assert_eq!(JsonPath::parse(&many).unwrap().execute(&Value::Null), not_found);
    }
}
