//! The order Go's YAML libraries write keys in: letters last, numbers by value (`a2` before `a10`).

use std::sync::LazyLock;

use regex::Regex;

use crate::node::Resolution;

/// Sorts keys in place.
///
/// The order of the originals is not transitive for every set of keys, which `slice::sort_by` may
/// answer with a panic; this merge sort does not care.
pub(crate) fn sort_keys(keys: &mut Vec<&String>, rules: Resolution) {
    // Where the order is not transitive Go's result is random; from one starting order ours is not.
    keys.sort_unstable();
    let sorted = merge_sort(keys, rules);
    *keys = sorted;
}

fn merge_sort<'k>(keys: &[&'k String], rules: Resolution) -> Vec<&'k String> {
    if keys.len() < 2 {
        return keys.to_vec();
    }
    let (left, right) = keys.split_at(keys.len() / 2);
    let (left, right) = (merge_sort(left, rules), merge_sort(right, rules));
    let mut merged = Vec::with_capacity(keys.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from = if less(b, a, rules) { &mut right } else { &mut left };
        merged.extend(from.next());
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn less(a: &str, b: &str, rules: Resolution) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut after_digits = false;
    for index in 0..a.len().min(b.len()) {
        if a[index] == b[index] {
            after_digits = is_digit(a[index]);
            continue;
        }
        let (a_letter, b_letter) = (is_letter(a[index]), is_letter(b[index]));
        if a_letter && b_letter {
            return a[index] < b[index];
        }
        if a_letter || b_letter {
            return if after_digits && rules == Resolution::V3 {
                a_letter
            } else {
                b_letter
            };
        }
        return less_in_numbers(&a, &b, index);
    }
    a.len() < b.len()
}

/// Both differ at `index`, and neither has a letter there.
fn less_in_numbers(a: &[char], b: &[char], index: usize) -> bool {
    let mut start = 0;
    if a[index] == '0' || b[index] == '0' {
        // Zeros after the same number other than zero belong to it.
        let same = a[..index]
            .iter()
            .rev()
            .take_while(|character| is_digit(**character));
        start = i64::from(same.into_iter().any(|character| *character != '0'));
    }
    let (a_number, a_end) = number_from(a, index, start);
    let (b_number, b_end) = number_from(b, index, start);
    if a_number != b_number {
        return a_number < b_number;
    }
    if a_end != b_end {
        return a_end < b_end;
    }
    a[index] < b[index]
}

fn number_from(text: &[char], index: usize, start: i64) -> (i64, usize) {
    let digits = text[index..].iter().take_while(|character| is_digit(**character));
    let mut end = index;
    let mut number = start;
    for digit in digits {
        let value = i64::from(u32::from(*digit)) - i64::from(u32::from('0'));
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
