//! The order Go's YAML libraries write keys in: letters last, numbers by value (`a2` before `a10`).

use std::sync::LazyLock;

use regex::Regex;

use crate::node::Resolution;

/// Sorts entries by their keys.
///
/// The order of the originals is not transitive for every set of keys, which `slice::sort_by` may
/// answer with a panic; this merge sort does not care.
pub(crate) fn sort_entries<'v, V>(entries: &mut Vec<(&'v str, &'v V)>, rules: Resolution) {
    // Where the order is not transitive Go's result is random; from one starting order ours is not.
    entries.sort_unstable_by_key(|(key, _)| *key);
    if !entries.iter().all(|(key, _)| has_only_letters(key)) {
        let sorted = merge_sort(entries, rules);
        *entries = sorted;
    }
}

/// The order of ASCII letters is that of their bytes.
fn has_only_letters(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn merge_sort<'v, V>(entries: &[(&'v str, &'v V)], rules: Resolution) -> Vec<(&'v str, &'v V)> {
    if entries.len() < 2 {
        return entries.to_vec();
    }
    let (left, right) = entries.split_at(entries.len() / 2);
    let (left, right) = (merge_sort(left, rules), merge_sort(right, rules));
    let mut merged = Vec::with_capacity(entries.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let from = if less(b, a, rules) { &mut right } else { &mut left };
        merged.extend(from.next());
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn less(a: &str, b: &str, rules: Resolution) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return less_characters(a.as_bytes(), b.as_bytes(), rules);
    }
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    less_characters(&a, &b, rules)
}

fn less_characters<C: Copy + PartialEq + Into<char>>(a: &[C], b: &[C], rules: Resolution) -> bool {
    let Some(index) = a.iter().zip(b).position(|(a, b)| a != b) else {
        return a.len() < b.len();
    };
    let (a_first, b_first): (char, char) = (a[index].into(), b[index].into());
    let (a_letter, b_letter) = (is_letter(a_first), is_letter(b_first));
    if a_letter && b_letter {
        return a_first < b_first;
    }
    if a_letter || b_letter {
        let after_digits = index > 0 && is_digit(a[index - 1].into());
        let digits_last = after_digits && rules == Resolution::V3;
        return if digits_last { a_letter } else { b_letter };
    }
    let start = number_before(a, index, a_first == '0' || b_first == '0');
    let (a_number, a_end) = number_from(a, index, start);
    let (b_number, b_end) = number_from(b, index, start);
    if a_number != b_number {
        return a_number < b_number;
    }
    if a_end != b_end {
        return a_end < b_end;
    }
    a_first < b_first
}

/// Zeros after a number other than zero belong to it: 1 then, else 0.
fn number_before<C: Copy + Into<char>>(text: &[C], index: usize, at_zero: bool) -> i64 {
    let mut digits = text[..index]
        .iter()
        .rev()
        .map(|character| (*character).into())
        .take_while(|character| is_digit(*character));
    i64::from(at_zero && digits.any(|digit: char| digit != '0'))
}

fn number_from<C: Copy + Into<char>>(text: &[C], index: usize, start: i64) -> (i64, usize) {
    let digits = text[index..]
        .iter()
        .map(|character| (*character).into())
        .take_while(|character| is_digit(*character));
    let mut end = index;
    let mut number = start;
    for digit in digits {
        let value = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        number = number.wrapping_mul(10).wrapping_add(value);
        end += 1;
    }
    (number, end)
}

fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    static LETTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{L}$").expect("a fixed pattern"));
    LETTER.is_match(character.encode_utf8(&mut [0; 4]))
}

fn is_digit(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_digit();
    }
    static DIGIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").expect("a fixed pattern"));
    DIGIT.is_match(character.encode_utf8(&mut [0; 4]))
}
