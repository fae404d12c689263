//! Flux's post-build substitution: `${NAME}` and its string functions in finished objects.
//!
//! An object is written as YAML, its expressions are evaluated on the text, and the text is read
//! again, so that `replicas: ${COUNT}` becomes a number. The dialect is that of drone/envsubst as
//! Flux keeps it.

mod evaluate;
mod glob;
mod parse;

use std::collections::BTreeMap;

use serde_json::Value;

use evaluate::evaluate;

/// The label or annotation that keeps an object from substitution, with the value `disabled`.
pub const SUBSTITUTE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Variables by name. Flux drops line breaks from their values; see [`variable_value`].
pub type SubstituteVariables = BTreeMap<String, String>;

/// How variables are put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubstituteOptions {
    /// Whether a variable without value and default is an error; else it is empty.
    pub strict: bool,
    /// Whether expressions are evaluated where there are no variables at all.
    pub always: bool,
}

/// Why a substitution failed.
#[derive(Debug, thiserror::Error)]
pub enum SubstituteError {
    /// A name that no expression could use.
    #[error("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    Name {
        /// The name.
        name: String,
    },
    /// An expression is malformed.
    #[error("line {line}: {reason}")]
    Syntax {
        /// 1-based line in the object's YAML.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Strict mode, and the variable has neither value nor default.
    #[error("variable not set (strict mode): \"{name}\"")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// A function cannot be applied to the variable's value.
    #[error("variable \"{name}\": {reason}")]
    Function {
        /// The variable.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// More work or output than a substitution may make.
    #[error("substitution exceeds its limit of {limit} {what}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The text with the values in it is no YAML any more.
    #[error("the object with its variables replaced is not valid YAML")]
    Yaml(#[from] belay_goyaml::Error),
}

/// A variable's value as Flux takes it from a config map, a secret or `spec.postBuild.substitute`.
pub fn variable_value(text: &str) -> String {
    text.replace('\n', "")
}

/// Whether the object's labels or annotations keep it as it is.
pub fn is_substitution_disabled(object: &Value) -> bool {
    let metadata = object.get("metadata");
    ["labels", "annotations"].iter().any(|field| {
        let mark = metadata.and_then(|metadata| metadata.get(*field)?.get(SUBSTITUTE_ANNOTATION));
        mark.and_then(Value::as_str) == Some("disabled")
    })
}

/// The object with its variables replaced.
pub fn substitute(
    object: &Value,
    variables: &SubstituteVariables,
    options: SubstituteOptions,
) -> Result<Value, SubstituteError> {
    if is_substitution_disabled(object) || (variables.is_empty() && !options.always) {
        return Ok(object.clone());
    }
    let text = belay_goyaml::to_yaml(object);
    let replaced = substitute_text(&text, variables, options.strict)?;
    Ok(belay_goyaml::to_json(&replaced)?)
}

/// The text with its expressions evaluated.
pub fn substitute_text(
    text: &str,
    variables: &SubstituteVariables,
    strict: bool,
) -> Result<String, SubstituteError> {
    if let Some(name) = variables.keys().find(|name| !is_name(name)) {
        return Err(SubstituteError::Name { name: name.clone() });
    }
    evaluate(&parse::parse(text)?, variables, strict)
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic());
    starts && text.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> SubstituteVariables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const LOOSE: SubstituteOptions = SubstituteOptions { strict: false, always: false };

    #[test]
    fn values_take_the_type_they_read_as() {
        let object = json!({"spec": {"replicas": "${COUNT}", "on": "${ON:=true}", "text": "a ${COUNT}"}});
        let replaced = substitute(&object, &variables(&[("COUNT", "3")]), LOOSE).unwrap();
        assert_eq!(replaced, json!({"spec": {"replicas": 3, "on": true, "text": "a 3"}}));
    }

    #[test]
    fn a_mark_and_the_lack_of_variables_keep_the_object() {
        let marked = json!({"metadata": {"labels": {SUBSTITUTE_ANNOTATION: "disabled"}}, "a": "${b}"});
        assert_eq!(substitute(&marked, &variables(&[("b", "c")]), LOOSE).unwrap(), marked);
        let plain = json!({"a": "${b:=c}"});
        assert_eq!(substitute(&plain, &variables(&[]), LOOSE).unwrap(), plain);
        let always = SubstituteOptions { always: true, ..LOOSE };
        assert_eq!(substitute(&plain, &variables(&[]), always).unwrap(), json!({"a": "c"}));
    }

    #[test]
    fn names_are_checked() {
        assert!(matches!(
            substitute_text("", &variables(&[("a-b", "")]), false),
            Err(SubstituteError::Name { .. })
        ));
    }

    #[test]
    fn work_and_depth_are_limited() {
        let deep = "${a=".repeat(300) + &"}".repeat(300);
        assert!(matches!(substitute_text(&deep, &variables(&[]), false), Err(SubstituteError::Limit { .. })));
        let long = variables(&[("a", &"ab".repeat(20_000))]);
        let slow = substitute_text("${a%%*x*x*x*}", &long, false);
        assert!(matches!(slow, Err(SubstituteError::Limit { .. })));
        let large = variables(&[("a", &"a".repeat(1 << 20))]);
        let bomb = substitute_text(&"${a}".repeat(100), &large, false);
        assert!(matches!(bomb, Err(SubstituteError::Limit { .. })));
    }
}
