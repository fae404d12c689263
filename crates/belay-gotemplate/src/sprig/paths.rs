//! Slash-separated paths. The `os` forms are the same on the systems we run on.

use crate::function::Functions;
use crate::value::Type::{Bool, String as Str};
use crate::value::Value;

type Form = fn(&str) -> String;

pub(super) fn register(functions: &mut Functions) {
    let forms: [(&str, &str, Form); 4] = [
        ("base", "osBase", base),
        ("dir", "osDir", dir),
        ("clean", "osClean", clean),
        ("ext", "osExt", extension),
    ];
    for (name, os_name, form) in forms {
        functions
            .add(name, [Str], Str, move |_, arguments| Ok(Value::string(form(&arguments.text(0)?.to_str()))));
        functions.alias(os_name, name);
    }
    functions.add("isAbs", [Str], Bool, |_, arguments| Ok(arguments.text(0)?.starts_with(b"/").into()));
    functions.alias("osIsAbs", "isAbs");
}

fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/".to_owned();
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned()
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

/// Go's `path.Clean`: `.` and `..` resolved, double slashes removed.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or_else(String::new, |dot| name[dot..].to_owned())
}
