//! Random charts with Helm's answers: `differential.jsonl.gz`, a case a line, written by
//! `cargo xtask differential --charts --count 300 --seed 1 --record …`.

mod command_line;

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

/// Enough for the deepest templates.
const STACK: usize = 256 << 20;

#[test]
fn random_charts_get_helms_answers() {
    let check = std::thread::Builder::new().stack_size(STACK).spawn(check_all).expect("a thread");
    let failures = check.join().expect("no panic");
    assert!(failures.is_empty(), "{} charts differ:\n{}", failures.len(), failures.join("\n"));
}

fn check_all() -> Vec<String> {
    let mut text = String::new();
    let file = include_bytes!("differential.jsonl.gz");
    flate2::read::GzDecoder::new(&file[..]).read_to_string(&mut text).expect("gzip");
    assert!(text.lines().count() >= 280, "cases are missing");
    let folder = tempfile::tempdir().expect("a folder");
    let check = |(number, line): (usize, &str)| {
        let case: Value = serde_json::from_str(line).expect("JSON");
        check(&case, &folder.path().join(number.to_string()))
    };
    text.lines().enumerate().filter_map(check).collect()
}

/// What differs, if anything does.
fn check(case: &Value, folder: &Path) -> Option<String> {
    for file in case["files"].as_array().expect("files") {
        let place = folder.join(file[0].as_str().expect("a path"));
        fs::create_dir_all(place.parent().expect("a folder")).expect("it can be made");
        fs::write(place, file[1].as_str().expect("a text")).expect("it can be written");
    }
    let arguments: Vec<String> = serde_json::from_value(case["args"].clone()).expect("texts");
    let answered = command_line::parse(&arguments[1..])
        .and_then(|request| command_line::carry_out(folder, request))
        .map(|output| String::from_utf8_lossy(&output).into_owned())
        .map_err(|error| belay_causes::chain(error.as_ref()));
    let expected = match case["answer"]["error"].as_str() {
        // Helm lists what does not fit a schema in the order of a Go map: the tool compares that, not this test.
        Some(error) if error.contains("the schema(s)") => {
            return answered.is_ok().then(|| format!("seed {}: renders", case["seed"]));
        }
        Some(error) => Err(error.to_owned()),
        None => Ok(case["answer"]["output"].as_str().unwrap_or_default().to_owned()),
    };
    let below = format!("{}/", folder.display());
    let answered = answered.map_err(|error| error.replace(&below, ""));
    if answered == expected {
        return None;
    }
    Some(format!("seed {}\n--- helm\n{expected:?}\n--- belay\n{answered:?}", case["seed"]))
}
