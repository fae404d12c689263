//! `contains`, `minContains` and `maxContains`.

use serde_json::{Map, Value};

use super::explain::{Found, Reason};

/// `results` are the reasons why items do not match, in the items' order.
pub(super) fn check(keywords: &Map<String, Value>, results: Vec<Option<Reason>>, found: &mut Found<'_>) {
    let is_match = |(_, result): &(usize, &Option<Reason>)| result.is_none();
    let matched: Vec<String> =
        results.iter().enumerate().filter(is_match).map(|(index, _)| index.to_string()).collect();
    let reasons: Vec<Reason> = results.into_iter().flatten().collect();
    let (count, places) = (matched.len(), matched.join(" "));
    let limit = |name: &str| keywords.get(name).and_then(Value::as_u64);
    let is_over = |limit: u64| count as u64 > limit;
    let required = |word: &str, limit: u64| format!("{word} {limit} items required to match contains schema");
    match limit("minContains") {
        Some(least) if (count as u64) < least => {
            let got = match count {
                0 => "but none matched".to_owned(),
                _ => format!("but matched {count} items at {places}"),
            };
            found.add_over(format!("{}, {got}", required("min", least)), reasons);
        }
        None if count == 0 => found.add_over("no items match contains schema".to_owned(), reasons),
        _ => {}
    }
    if let Some(most) = limit("maxContains").filter(|most| is_over(*most)) {
        found.add(format!("{}, but matched {count} items at {places}", required("max", most)));
    }
}
