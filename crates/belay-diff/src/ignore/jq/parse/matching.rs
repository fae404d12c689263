//! What regular expressions are asked for.

use belay_gotemplate::Expression as Regex;
use serde_json::Value;

use super::{Expression, Parsed};

/// A use of a regular expression.
#[derive(Debug, Clone)]
pub(in crate::ignore::jq) struct Matching {
    pub(in crate::ignore::jq) purpose: Purpose,
    pub(in crate::ignore::jq) wanted: Wanted,
    /// What `sub` puts in.
    pub(in crate::ignore::jq) replacement: Option<Expression>,
}

/// What is to be found.
#[derive(Debug, Clone)]
pub(in crate::ignore::jq) enum Wanted {
    /// It stands there.
    Known(Pattern),
    /// An expression and its flags, which are to be worked out.
    Made(Expression, Option<Expression>),
}

/// A regular expression with its flags.
#[derive(Debug, Clone)]
pub(in crate::ignore::jq) struct Pattern {
    pub(in crate::ignore::jq) regex: Regex,
    /// The flag `g`: every match.
    pub(in crate::ignore::jq) everywhere: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ignore::jq) enum Purpose {
    Test,
    Match,
    Capture,
    Scan,
    /// `splits`
    Pieces,
    /// `split` with flags
    ListOfPieces,
    Substitute,
    /// `gsub`
    SubstituteAll,
}

impl Purpose {
    /// What a function of this name, with so many arguments, is for.
    pub(super) fn of(name: &str, arguments: usize) -> Option<Purpose> {
        Some(match (name, arguments) {
            ("test", 1 | 2) => Purpose::Test,
            ("match", 1 | 2) => Purpose::Match,
            ("capture", 1 | 2) => Purpose::Capture,
            ("scan", 1 | 2) => Purpose::Scan,
            ("splits", 1 | 2) => Purpose::Pieces,
            ("split", 2) => Purpose::ListOfPieces,
            ("sub", 2 | 3) => Purpose::Substitute,
            ("gsub", 2 | 3) => Purpose::SubstituteAll,
            _ => return None,
        })
    }

    /// Whether every match counts, whatever the flags say.
    fn is_everywhere(self) -> bool {
        matches!(self, Purpose::Scan | Purpose::Pieces | Purpose::ListOfPieces | Purpose::SubstituteAll)
    }
}

impl Pattern {
    /// A regular expression as gojq takes it: the flags `g`, `i` and `m`, which lets `.` match line ends.
    pub(in crate::ignore::jq) fn compile(
        expression: &str,
        flags: &str,
        purpose: Purpose,
    ) -> Result<Pattern, String> {
        if let Some(flag) = flags.chars().find(|flag| !"gim".contains(*flag)) {
            return Err(format!("unsupported regular expression flag: {flag:?}"));
        }
        let mut whole = String::new();
        for (flag, inline) in [('m', "(?s)"), ('i', "(?i)")] {
            if flags.contains(flag) {
                whole.push_str(inline);
            }
        }
        whole.push_str(expression);
        let everywhere = purpose.is_everywhere() || flags.contains('g');
        Ok(Pattern { regex: Regex::compile(&whole)?, everywhere })
    }
}

/// The function with these arguments. An expression that stands there is compiled here, so that what is wrong with it is
/// known at once.
pub(super) fn read(name: &str, purpose: Purpose, arguments: Vec<Expression>) -> Parsed {
    let mut arguments = arguments.into_iter();
    let expression = arguments.next().ok_or_else(|| format!("{name} takes a text"))?;
    let takes_replacement = matches!(purpose, Purpose::Substitute | Purpose::SubstituteAll);
    let replacement = if takes_replacement { arguments.next() } else { None };
    let flags = arguments.next();
    let known = match (&expression, &flags) {
        (Expression::Literal(Value::String(text)), None | Some(Expression::Literal(Value::Null))) => {
            Some((text, ""))
        }
        (Expression::Literal(Value::String(text)), Some(Expression::Literal(Value::String(flags)))) => {
            Some((text, flags.as_str()))
        }
        _ => None,
    };
    let wanted = match known {
        Some((text, flags)) => {
            let pattern = Pattern::compile(text, flags, purpose);
            Wanted::Known(pattern.map_err(|reason| format!("{name}({text:?}): {reason}"))?)
        }
        None => Wanted::Made(expression, flags),
    };
    Ok(Expression::Match(Box::new(Matching { purpose, wanted, replacement })))
}
