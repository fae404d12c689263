//! JSON pointers, as a JSON patch's `remove` takes them.

use serde_json::Value;

/// Takes out what the pointer names; nothing happens when it is not there.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.shift_remove(&last);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Puts a value at the pointer, where the way to it is there; missing maps are made.
pub(super) fn put(value: &mut Value, pointer: &str, put: &Value) {
    let mut place = value;
    let mut steps =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        place = match place {
            Value::Object(fields) => {
                let next = fields.entry(step).or_insert_with(|| Value::Object(serde_json::Map::new()));
                if is_last {
                    *next = put.clone();
                    return;
                }
                next
            }
            Value::Array(items) => match step.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) if is_last => {
                    *item = put.clone();
                    return;
                }
                Some(item) => item,
                None => return,
            },
            _ => return,
        };
    }
}
