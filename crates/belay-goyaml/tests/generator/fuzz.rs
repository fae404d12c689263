//! Changes texts at random, reads them by every rule, and writes what was read.

use std::time::{Duration, Instant};

use belay_goyaml::{
    ParseOptions, Resolution, parse, read_editable, split_documents, to_json, to_json_with, to_yaml,
    to_yaml_v3, write_editable,
};

use crate::generator::{Numbers, change};

/// Takes one of the texts, changes it a few times, and reads and writes it.
pub(crate) fn fuzz(numbers: &mut Numbers, texts: &[String]) {
    let mut text = texts[numbers.below(texts.len())].clone();
    for _ in 0..1 + numbers.below(8) {
        if numbers.below(4) == 0 {
            let other = &texts[numbers.below(texts.len())];
            let cut = (0..=numbers.below(other.len() + 1))
                .rev()
                .find(|cut| other.is_char_boundary(*cut))
                .unwrap_or(0);
            text.push_str(&other[cut..]);
        }
        change(numbers, &mut text);
        if text.len() > 50_000 {
            text.clear();
        }
    }
    let start = Instant::now();
    read_and_write(&text);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?} for {text:?}");
}

fn read_and_write(text: &str) {
    let _ = split_documents(text);
    let options = ParseOptions { comments: true, ..ParseOptions::default() };
    for document in parse(text, &options).unwrap_or_default() {
        assert!(text.get(document.root.span()).is_some(), "a span of {text:?}");
        assert!(text.get(document.root.value_span()).is_some(), "a span of {text:?}");
    }
    if let Ok(value) = to_json(text) {
        let written = to_yaml(&value);
        // What Go refuses to write is empty, and it writes the key `<<` so that it merges.
        if !written.is_empty() && !written.contains("<<:") {
            let read = to_json(&written).unwrap_or_else(|error| panic!("{error}: {written:?} of {text:?}"));
            assert_eq!(to_yaml(&read), written, "of {text:?}");
        }
    }
    if let Ok(document) = read_editable(text, &ParseOptions::default()) {
        write_editable(&document).unwrap_or_else(|error| panic!("{error}: of {text:?}"));
    }
    let version_3 = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    if let Ok(value) = to_json_with(text, &version_3, true) {
        to_yaml_v3(&value, 2);
        to_yaml_v3(&value, 4);
    }
}
