//! What a release has from Secrets, and nothing that is said of it may hold: templates and schemas quote values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belay_helm::Values;
use belay_manifest::MASK;
use serde_json::Value;

/// What is shorter stands in every message by chance.
const SHORTEST: usize = 4;

/// Texts that are masked wherever they stand.
#[derive(Default)]
pub(crate) struct Hidden(Vec<String>);

impl Hidden {
    /// Hides the values of a file of values.
    pub(crate) fn add_values(&mut self, text: &str) {
        match Values::from_yaml(text) {
            Ok(values) => values.as_map().values().for_each(|value| self.add_texts(value)),
            Err(_told_quietly) => self.add_text(text),
        }
    }

    fn add_texts(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => fields.values().for_each(|field| self.add_texts(field)),
            Value::Array(items) => items.iter().for_each(|item| self.add_texts(item)),
            Value::String(text) => self.add_text(text),
            Value::Number(number) => self.add_number(number.as_f64().unwrap_or_default()),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Hides a number as schemas write it, and as templates do when it is large.
    fn add_number(&mut self, number: f64) {
        self.add_text(&number.to_string());
        if let Some((digits, exponent)) = format!("{number:e}").split_once('e') {
            self.add_text(&format!("{digits}e+{exponent:0>2}"));
        }
    }

    /// Hides a text, each of its lines, and both as templates write them.
    pub(crate) fn add_text(&mut self, text: &str) {
        for part in std::iter::once(text).chain(text.lines()).map(str::trim) {
            if part.chars().count() < SHORTEST {
                continue;
            }
            let quoted = Value::from(part).to_string();
            self.0.push(quoted[1..quoted.len() - 1].to_owned());
            self.0.push(STANDARD.encode(part));
            self.0.push(part.to_owned());
        }
        // A text may hold another one.
        self.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        self.0.dedup();
    }

    /// The text without any of them.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, hidden| text.replace(hidden.as_str(), MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_however_they_are_written() {
        let mut hidden = Hidden::default();
        hidden.add_values(
            "login: {password: 'pass\"word', pin: 1234567, on: true, tls: abc}\nlist: [item-one]\n",
        );
        hidden.add_text("-----BEGIN-----\nc4n4ry\n");
        for text in [
            "pass\"word",
            "pass\\\"word",
            "cGFzcyJ3b3Jk",
            "1234567",
            "1.234567e+06",
            "item-one",
            "c4n4ry",
            "YzRuNHJ5",
        ] {
            assert_eq!(hidden.mask(&format!("- at '/a': '{text}' is none")), "- at '/a': '++++++++' is none");
        }
        let plain = "on: true, tls: abc, login and password are names";
        assert_eq!(hidden.mask(plain), plain);
        assert_eq!(Hidden::default().mask("all of it"), "all of it");
    }

    #[test]
    fn what_is_no_file_of_values_is_hidden_as_it_is() {
        let mut hidden = Hidden::default();
        hidden.add_values("only-a-text");
        assert_eq!(hidden.mask("x only-a-text y"), "x ++++++++ y");
    }
}
