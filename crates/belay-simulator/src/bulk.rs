//! Objects that are larger than usual, and folders of many: some a cluster takes, some it refuses.

use std::sync::OnceLock;

use serde_json::{Value, json};

/// An object with 100 KB of annotations, which fit. With `last-applied-configuration` there are 200 KB of them.
pub(crate) const HEAVY: &str = "heavy";
/// An object of 1.5 MB. No cluster takes one, and no Secret a release's record that holds one.
pub(crate) const HUGE: &str = "huge";
/// How many objects come at once where there are to be many.
pub(crate) const MANY: usize = 80;
/// What a small store takes at most. Inventories of many objects are larger, as those of 5000 are of etcd's 1.5 MiB.
pub(crate) const SMALL_STORE: u64 = 16 * 1024;

const ANNOTATION: usize = 100_000;
const LARGEST: usize = 1_500_000;
/// As long as names may be, nearly: what lists them is long.
const LONG_NAME: usize = 200;

/// The name of one of many.
pub(crate) fn name(number: usize) -> String {
    let start = format!("many-{number}-");
    format!("{start}{}", "n".repeat(LONG_NAME - start.len()))
}

pub(crate) fn is_one_of_many(name: &str) -> bool {
    name.starts_with("many-")
}

/// Makes an object as large as its name says.
pub(crate) fn swell(name: &str, object: &mut Value) {
    match name {
        HEAVY => {
            object["metadata"]["annotations"] = json!({"example.com/notes": "n".repeat(ANNOTATION)});
        }
        HUGE => {
            let place = if object["kind"] == "Secret" { "stringData" } else { "data" };
            object[place]["text"] = text().into();
        }
        _ => {}
    }
}

/// A text that cannot be packed into less.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut random = fastrand::Rng::with_seed(1);
        (0..LARGEST).map(|_| random.alphanumeric()).collect()
    })
}
