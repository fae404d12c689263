//! Keywords for lists.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::super::compile::{Additional, ItemSchemas, Schema, SchemaId};
use super::super::document::Document;
use super::super::draft::Draft;
use super::super::reason::Token;
use super::super::words::{grouped, grouped_size};
use super::{Check, Checked, Evaluator, NO_NUMBER, check_size};

/// Longer lists are searched by hash, for which the library that Helm uses needs numbers that it can hold.
const FEW_ITEMS: usize = 20;

impl<'d> Evaluator<'_, 'd> {
    pub(super) fn check_array<'v>(
        &mut self,
        schema: &Schema<'d>,
        items: &'v [Document],
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        check_size(check, ("minItems", schema.min_items), ("maxItems", schema.max_items), items.len());
        if schema.has_unique_items
            && let Some((first, second)) = duplicates(items)?
        {
            let (first, second) = (grouped_size(first), grouped_size(second));
            check.add(|| format!("items at {first} and {second} are equal"));
        }
        if schema.draft >= Draft::Draft2020 {
            self.check_each(&schema.prefix_items, items, check)?;
            let rest = schema.rest_of_items;
            self.check_from(schema.prefix_items.len(), rest, items, check)?;
        } else {
            self.check_items(schema, items, check)?;
        }
        match schema.contains {
            Some(contains) => self.check_contains(schema, contains, items, check),
            None => Ok(()),
        }
    }

    /// `items` and `additionalItems` before 2020.
    fn check_items<'v>(
        &mut self,
        schema: &Schema<'d>,
        items: &'v [Document],
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        let evaluated = match &schema.items {
            Some(ItemSchemas::All(subschema)) => return self.check_from(0, Some(*subschema), items, check),
            Some(ItemSchemas::Each(subschemas)) => {
                self.check_each(subschemas, items, check)?;
                subschemas.len()
            }
            None => 0,
        };
        match schema.additional_items {
            Some(Additional::Schema(subschema)) => {
                self.check_from(evaluated, Some(subschema), items, check)?
            }
            Some(Additional::Allowed(false)) if items.len() > evaluated => {
                let count = grouped_size(items.len() - evaluated);
                check.add(|| format!("last {count} additionalItem(s) not allowed"));
            }
            _ => {}
        }
        Ok(())
    }

    fn check_each<'v>(
        &mut self,
        subschemas: &[SchemaId],
        items: &'v [Document],
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        for (index, (item, subschema)) in items.iter().zip(subschemas).enumerate() {
            let reason = self.check_below(check, *subschema, item, Token::Index(index))?;
            check.reasons.extend(reason);
        }
        Ok(())
    }

    fn check_from<'v>(
        &mut self,
        start: usize,
        subschema: Option<SchemaId>,
        items: &'v [Document],
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        let Some(subschema) = subschema else { return Ok(()) };
        for (index, item) in items.iter().enumerate().skip(start) {
            let reason = self.check_below(check, subschema, item, Token::Index(index))?;
            check.reasons.extend(reason);
        }
        Ok(())
    }

    fn check_contains<'v>(
        &mut self,
        schema: &Schema<'d>,
        contains: SchemaId,
        items: &'v [Document],
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        let (mut reasons, mut matched) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match self.check_below(check, contains, item, Token::Index(index))? {
                Some(reason) => reasons.push(reason),
                None => {
                    matched.push(index);
                    if schema.draft >= Draft::Draft2020 {
                        check.unevaluated.remove_item(index);
                    }
                }
            }
        }
        let count = i64::try_from(matched.len()).unwrap_or(i64::MAX);
        match schema.min_contains {
            Some(least) if count < least => check.add_over(|| few(least, &matched), reasons),
            None if count == 0 => check.add_over(|| "no items match contains schema".to_owned(), reasons),
            _ => {}
        }
        if let Some(most) = schema.max_contains.filter(|most| count > *most) {
            check.add(|| format!("{}, but {}", required("max", most), found(&matched)));
        }
        Ok(())
    }
}

fn few(least: i64, matched: &[usize]) -> String {
    let got = if matched.is_empty() { "none matched".to_owned() } else { found(matched) };
    format!("{}, but {got}", required("min", least))
}

fn required(word: &str, limit: i64) -> String {
    format!("{word} {} items required to match contains schema", grouped(limit))
}

fn found(matched: &[usize]) -> String {
    let places: Vec<String> = matched.iter().map(usize::to_string).collect();
    format!("matched {} items at {}", grouped_size(matched.len()), places.join(" "))
}

/// The first item that equals an earlier one, and that one before it.
fn duplicates(items: &[Document]) -> Checked<Option<(usize, usize)>> {
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if items.len() > FEW_ITEMS && !is_held(item) {
            return Err(NO_NUMBER);
        }
        let mut hasher = DefaultHasher::new();
        item.hash(&mut hasher);
        let alike = seen.entry(hasher.finish()).or_default();
        if let Some(earlier) = alike.iter().find(|earlier| items[**earlier].equals(item)) {
            return Ok(Some((*earlier, index)));
        }
        alike.push(index);
    }
    Ok(None)
}

/// Whether Go can hold all numbers in it.
fn is_held(item: &Document) -> bool {
    match item {
        Document::Number(number) => number.decimal().is_some(),
        Document::Array(items) => items.iter().all(is_held),
        Document::Object(entries) => entries.values().all(is_held),
        _ => true,
    }
}
