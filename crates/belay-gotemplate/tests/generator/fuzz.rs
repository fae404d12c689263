//! Changes templates at random and executes what comes out within a small budget.

use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_gotemplate::{Budget, Functions};

use super::{Numbers, render};

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{end}}",
    "{{else}}",
    "{{if .}}",
    "{{range .}}",
    "{{range 9}}",
    "{{with .}}",
    "{{define \"x\"}}",
    "{{template \"x\" .}}",
    "{{block \"x\" .}}",
    "(",
    ")",
    "|",
    " . ",
    ".a.b",
    "$",
    "$x",
    " := ",
    " = ",
    "\"",
    "`",
    "'",
    "\\",
    "\\x",
    "\u{0}",
    "é",
    "\u{2028}",
    "/*",
    "*/",
    "{{/*",
    "*/}}",
    "0x",
    "1e9",
    "-",
    "9223372036854775807",
    "1_0",
    "0.0",
    "1i",
    " nil ",
    " true ",
    "{{break}}",
    "{{continue}}",
    "printf \"%999999d\" 1",
    "printf \"%*d\" 99999999 1",
    "repeat 99999999",
    "until 99999999",
    "indent 99999999",
    "seq 1 99999999",
    "list",
    "dict \"a\" .",
    "set . \"self\" .",
    "index",
    "slice",
    "regexFind \"(a*)*b\"",
    "toJson",
    "fromJson",
    "\n",
    "\r\n",
    "\t",
];

/// Takes one of the texts, changes it a few times, and executes it.
pub(crate) fn fuzz(numbers: &mut Numbers, texts: &[String], functions: &Arc<Functions>) {
    let mut text = texts[numbers.below(texts.len())].clone();
    for _ in 0..1 + numbers.below(8) {
        change(numbers, &mut text, texts);
    }
    let budget = Budget { steps: 200_000, output_bytes: 1 << 20, depth: 200 };
    let start = Instant::now();
    let answer = render::render(&text, ["default", "zero", "error"][numbers.below(3)], functions, budget);
    if let Ok(output) = &answer {
        assert!(output.len() <= 1 << 20, "{} bytes of output: {text:?}", output.len());
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?} for {text:?}");
}

fn change(numbers: &mut Numbers, text: &mut String, texts: &[String]) {
    let place = |numbers: &mut Numbers, text: &str| {
        let mut place = numbers.below(text.len() + 1);
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    };
    let (first, second) = (place(numbers, text), place(numbers, text));
    let (from, to) = (first.min(second), first.max(second).min(first.min(second) + 64));
    let to = (from..=to).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(from);
    match numbers.below(6) {
        0 => text.replace_range(from..to, ""),
        1 => {
            let piece = text[from..to].to_owned();
            text.insert_str(from, &piece);
        }
        2 => {
            let other = &texts[numbers.below(texts.len())];
            let cut = place(numbers, other);
            text.truncate(from);
            text.push_str(&other[cut..]);
        }
        _ => text.insert_str(from, PIECES[numbers.below(PIECES.len())]),
    }
    if text.len() > 20_000 {
        text.clear();
    }
}
