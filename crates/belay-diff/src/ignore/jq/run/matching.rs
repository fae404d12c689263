//! What regular expressions find in texts.

use std::ops::Range;

use serde_json::{Map, Value};

use super::scope::Scope;
use super::values::size;
use super::{Found, Misfit, Outcome, Run, made};
use crate::ignore::jq::parse::{Expression, Matching, Pattern, Purpose, Wanted};

/// How many steps it counts for to compile an expression.
const COMPILING: usize = 1000;

/// A match: the places of the whole and of its groups, in bytes.
type Places = Vec<Option<Range<usize>>>;

impl Run {
    pub(super) fn matching<'a, 'e>(
        &mut self,
        matching: &'e Matching,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let mut all = Vec::new();
        for pattern in self.patterns(matching, input, scope)? {
            let text = input.value.as_str().ok_or(Misfit)?;
            self.step(1 + text.len() / 64)?;
            if matching.purpose == Purpose::Test {
                all.push(made(pattern.regex.is_match(text)));
                continue;
            }
            let matches = self.matches(&pattern, text)?;
            let results = match matching.purpose {
                Purpose::Match => matches.iter().map(|places| described(&pattern, text, places)).collect(),
                Purpose::Capture => matches.iter().map(|places| captures(&pattern, text, places)).collect(),
                Purpose::Scan => matches.iter().map(|places| scanned(text, places)).collect(),
                Purpose::Pieces => pieces(text, &matches),
                Purpose::ListOfPieces => vec![Value::from(pieces(text, &matches))],
                Purpose::Test | Purpose::Substitute | Purpose::SubstituteAll => {
                    let by = matching.replacement.as_ref().ok_or(Misfit)?;
                    self.substituted(&pattern, text, &matches, by, scope)?
                }
            };
            for result in results {
                self.step(size(&result))?;
                all.push(made(result));
            }
        }
        Ok(all)
    }

    fn patterns<'a, 'e>(
        &mut self,
        matching: &'e Matching,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<Vec<Pattern>, Misfit> {
        let (expression, flags) = match &matching.wanted {
            Wanted::Known(pattern) => return Ok(vec![pattern.clone()]),
            Wanted::Made(expression, flags) => (expression, flags),
        };
        let mut all = Vec::new();
        for expression in self.run(expression, input, scope)? {
            let expression = expression.value.as_str().ok_or(Misfit)?;
            let flags = match flags {
                Some(flags) => self.run(flags, input, scope)?,
                None => vec![made(Value::Null)],
            };
            for flags in &flags {
                let flags = match &*flags.value {
                    Value::Null => "",
                    Value::String(flags) => flags,
                    _ => return Err(Misfit),
                };
                self.step(COMPILING)?;
                all.push(Pattern::compile(expression, flags, matching.purpose).map_err(|_wrong| Misfit)?);
            }
        }
        Ok(all)
    }

    /// All matches, or the first. Each counts for the length of the text, for its places are counted in letters.
    fn matches(&mut self, pattern: &Pattern, text: &str) -> Result<Vec<Places>, Misfit> {
        let most = if pattern.everywhere { usize::MAX } else { 1 };
        let mut all = Vec::new();
        for places in pattern.regex.matches(text).take(most) {
            self.step(1 + text.len() / 64)?;
            all.push(places);
        }
        Ok(all)
    }

    /// `sub`: the nth text has the nth result for each match in its place.
    fn substituted<'a, 'e>(
        &mut self,
        pattern: &Pattern,
        text: &str,
        matches: &[Places],
        by: &'e Expression,
        scope: &Scope<'a, 'e>,
    ) -> Result<Vec<Value>, Misfit> {
        let mut texts: Vec<String> = Vec::new();
        let mut next = 0;
        for places in matches {
            let whole = whole(places);
            for (number, result) in
                self.run(by, &made(captures(pattern, text, places)), scope)?.iter().enumerate()
            {
                let result = match &*result.value {
                    Value::Null => "",
                    Value::String(result) => result,
                    _ => return Err(Misfit),
                };
                if number == texts.len() {
                    texts.push(String::new());
                }
                self.step(1 + (whole.start - next + result.len()) / 64)?;
                texts[number].push_str(&text[next..whole.start]);
                texts[number].push_str(result);
            }
            next = whole.end;
        }
        if texts.is_empty() {
            return Ok(vec![Value::from(text)]);
        }
        Ok(texts.into_iter().map(|done| Value::from(done + &text[next..])).collect())
    }

    /// A text of parts: one for each way to choose among what they make, the first part's changing first.
    pub(super) fn text<'a, 'e>(
        &mut self,
        parts: &'e [Expression],
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let mut texts = vec![String::new()];
        for part in parts {
            let mut longer = Vec::new();
            for piece in self.run(part, input, scope)? {
                let piece = piece.value.as_str().ok_or(Misfit)?;
                for text in &texts {
                    self.step(1 + (text.len() + piece.len()) / 64)?;
                    longer.push(format!("{text}{piece}"));
                }
            }
            texts = longer;
        }
        Ok(texts.into_iter().map(made).collect())
    }
}

/// The whole match, which is always there.
fn whole(places: &Places) -> Range<usize> {
    places.first().cloned().flatten().unwrap_or_default()
}

/// The groups' names and places.
fn groups<'p>(
    pattern: &'p Pattern,
    places: &'p Places,
) -> impl Iterator<Item = (Option<&'p str>, &'p Option<Range<usize>>)> {
    pattern.regex.groups().zip(places).skip(1)
}

fn described(pattern: &Pattern, text: &str, places: &Places) -> Value {
    let groups = groups(pattern, places).map(|(name, place)| {
        let mut group = part(text, place);
        group.insert("name".to_owned(), Value::from(name));
        Value::Object(group)
    });
    let mut found = part(text, &Some(whole(places)));
    found.insert("captures".to_owned(), groups.collect());
    Value::Object(found)
}

/// Where a match is, in letters, and what it is.
fn part(text: &str, place: &Option<Range<usize>>) -> Map<String, Value> {
    let letters = |text: &str| text.chars().count();
    let (offset, length, found) = match place {
        Some(place) => (
            Value::from(letters(&text[..place.start])),
            letters(&text[place.clone()]),
            Value::from(&text[place.clone()]),
        ),
        None => (Value::from(-1), 0, Value::Null),
    };
    let fields = [("offset", offset), ("length", Value::from(length)), ("string", found)];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text_of(text: &str, place: &Option<Range<usize>>) -> Value {
    place.clone().map_or(Value::Null, |place| Value::from(&text[place]))
}

/// What the groups with names matched.
fn captures(pattern: &Pattern, text: &str, places: &Places) -> Value {
    let named =
        groups(pattern, places).filter_map(|(name, place)| Some((name?.to_owned(), text_of(text, place))));
    Value::Object(named.collect())
}

fn scanned(text: &str, places: &Places) -> Value {
    match &places[1..] {
        [] => text_of(text, &Some(whole(places))),
        groups => groups.iter().map(|place| text_of(text, place)).collect(),
    }
}

/// What stands between the matches.
fn pieces(text: &str, matches: &[Places]) -> Vec<Value> {
    let mut all = Vec::with_capacity(matches.len() + 1);
    let mut next = 0;
    for whole in matches.iter().map(whole) {
        all.push(Value::from(&text[next..whole.start]));
        next = whole.end;
    }
    all.push(Value::from(&text[next..]));
    all
}
