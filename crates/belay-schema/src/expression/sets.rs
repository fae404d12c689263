//! CEL's functions on lists as sets: `sets.contains`, `sets.equivalent`, `sets.intersects`.

use cel::common::traits::Iterable;
use cel::common::types::{CelBool, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// Adds the functions.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "list_sets_contains_list", lists(), contains)?;
    env.add_overload("sets.equivalent", "list_sets_equivalent_list", lists(), equivalent)?;
    env.add_overload("sets.intersects", "list_sets_intersects_list", lists(), intersects)
}

fn contains<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [list, wanted] = both(&lists)?;
    answer(count(wanted, list)? == length(wanted)?)
}

fn equivalent<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [one, other] = both(&lists)?;
    answer(count(one, other)? == length(one)? && count(other, one)? == length(other)?)
}

fn intersects<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [one, other] = both(&lists)?;
    answer(count(one, other)? > 0)
}

fn answer<'b, 'v>(holds: bool) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::Owned(Box::new(CelBool::from(holds))))
}

fn both<'l, 'b, 'v>(lists: &'l [CowVal<'b, 'v>]) -> Result<[&'l (dyn Val + 'v); 2], ExecutionError> {
    match lists {
        [one, other] => Ok([one.as_ref(), other.as_ref()]),
        _ => Err(ExecutionError::InvalidArgumentCount { expected: 2, actual: lists.len() }),
    }
}

fn items_of<'b, 'v>(list: &'b (dyn Val + 'v)) -> Result<&'b (dyn Iterable + 'v), ExecutionError> {
    let got = || list.get_type().name().to_owned();
    list.as_iterable().ok_or_else(|| ExecutionError::UnexpectedType { got: got(), want: "list".to_owned() })
}

/// How many items of one list are in the other.
fn count<'v>(list: &(dyn Val + 'v), other: &(dyn Val + 'v)) -> Result<usize, ExecutionError> {
    let mut found = 0;
    let mut items = items_of(list)?.iter();
    while let Some(item) = items.next() {
        let mut others = items_of(other)?.iter();
        while let Some(other) = others.next() {
            if item.equals(other) {
                found += 1;
                break;
            }
        }
    }
    Ok(found)
}

fn length<'v>(list: &(dyn Val + 'v)) -> Result<usize, ExecutionError> {
    let mut items = items_of(list)?.iter();
    let mut length = 0;
    while items.next().is_some() {
        length += 1;
    }
    Ok(length)
}
