//! What was recorded by a tool is as the tool left it, and the tool has not changed since. `tests/generated.toml`
//! lists each such file, the command that makes it, what it is made from, and a sum over both.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

const LIST: &str = "tests/generated.toml";
/// In folders of this name is only what was recorded, or what the list says is written by hand.
const FOLDER: &str = "data";

/// A file of the list.
struct Generated {
    file: String,
    command: String,
    from: Vec<String>,
    sum: String,
}

/// The generated files that are not current, and those that nobody knows of.
pub(super) fn check(root: &Path, crates: &[std::path::PathBuf]) -> Result<Vec<String>> {
    let list = read(root)?;
    let mut faults = Vec::new();
    for generated in &list.generated {
        match sum(root, generated) {
            Ok(sum) if sum == generated.sum => {}
            Ok(_) => faults.push(format!(
                "{}: it, or what it is made from ({}), changed since it was recorded; \
                 run `{}`, look at the difference, then `cargo xtask record sums`",
                generated.file,
                generated.from.join(", "),
                generated.command
            )),
            Err(error) => faults.push(format!("{LIST}: {error:#}")),
        }
    }
    for folder in crates {
        let Ok(entries) = fs::read_dir(folder.join(FOLDER)) else { continue };
        for entry in entries {
            let path = entry?.path();
            let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if !list.knows(&place) {
                faults.push(format!("{place}: {LIST} does not say what makes it"));
            }
        }
    }
    Ok(faults)
}

/// Notes the sums anew, for the person who has recorded a file.
pub(crate) fn note(root: &Path) -> Result<()> {
    let path = root.join(LIST);
    let mut text = fs::read_to_string(&path)?;
    for generated in read(root)?.generated {
        text = text.replacen(&generated.sum, &sum(root, &generated)?, 1);
    }
    fs::write(&path, text).with_context(|| path.display().to_string())
}

struct List {
    generated: Vec<Generated>,
    by_hand: Vec<String>,
}

impl List {
    fn knows(&self, place: &str) -> bool {
        let mut made =
            self.generated.iter().flat_map(|generated| [&generated.file].into_iter().chain(&generated.from));
        made.any(|file| file == place) || self.by_hand.iter().any(|file| file == place)
    }
}

fn read(root: &Path) -> Result<List> {
    let path = root.join(LIST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let table: Table = text.parse().with_context(|| path.display().to_string())?;
    let entries = table.get("generated").and_then(Value::as_array).into_iter().flatten();
    let generated = entries.map(|entry| generated(entry).with_context(|| format!("{LIST}: {entry}")));
    Ok(List { generated: generated.collect::<Result<_>>()?, by_hand: texts(table.get("by-hand")) })
}

fn generated(entry: &Value) -> Result<Generated> {
    let text = |name: &str| -> Result<String> {
        let value = entry.get(name).and_then(Value::as_str);
        Ok(value.with_context(|| format!("{name} is missing"))?.to_owned())
    };
    Ok(Generated {
        file: text("file")?,
        command: text("command")?,
        from: texts(entry.get("from")),
        sum: text("sum")?,
    })
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn sum(root: &Path, generated: &Generated) -> Result<String> {
    let mut digest = Sha256::new();
    for file in [&generated.file].into_iter().chain(&generated.from) {
        let content = fs::read(root.join(file)).with_context(|| file.clone())?;
        digest.update(content.len().to_le_bytes());
        digest.update(content);
    }
    Ok(digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}
