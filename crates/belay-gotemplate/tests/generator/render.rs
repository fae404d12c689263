//! Renders a template over `tests/cases/data.json`, as the oracle does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use belay_gotemplate::{
    Budget, Clock, Element, Functions, List, Map, MissingKey, Moment, Options, RandomSource, TemplateSet,
    Value, from_json,
};

/// The data of every case.
pub(crate) fn data() -> Value {
    static JSON: std::sync::LazyLock<serde_json::Value> = std::sync::LazyLock::new(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data.json");
        let text = std::fs::read_to_string(path).expect("the data is there");
        serde_json::from_str(&text).expect("the data is JSON")
    });
    let data = from_json(&JSON);
    let map = data.as_map().expect("the data is a map");
    map.insert("int", Value::Int(10));
    map.insert("int64", Value::Int64(64));
    map.insert("strings", Value::List(List::strings(["b", "c", "a"])));
    map.insert("bytes", Value::Bytes(b"hi\xff"[..].into()));
    let labels = Map::of(Element::String);
    labels.insert("app", "web");
    map.insert("labels", labels);
    data
}

/// The output, or the text of the error. `missing_key` is what Go's option of that name says.
pub(crate) fn render(
    template: &str,
    missing_key: &str,
    functions: &Arc<Functions>,
    budget: Budget,
) -> Result<Vec<u8>, String> {
    let mut set = TemplateSet::new("root", functions.clone());
    set.parse("case", template).map_err(|error| error.to_string())?;
    let options = Options {
        missing_key: match missing_key {
            "zero" => MissingKey::Zero,
            "error" => MissingKey::Error,
            _ => MissingKey::Default,
        },
        clock: Some(Arc::new(Fixed)),
        random: Some(Arc::new(Fixed)),
        budget,
    };
    set.execute_bytes("case", data(), &options).map_err(|error| error.to_string())
}

/// No case shows the time or a random number.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { seconds: 1_700_000_000, nanoseconds: 0, offset: 0 }
    }
}

impl RandomSource for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        for chunk in buffer.chunks_mut(8) {
            let number = CALLS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 32)).to_le_bytes()[..chunk.len()]);
        }
    }
}
