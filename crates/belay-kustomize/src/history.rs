//! Where objects came from and what changed them, as `buildMetadata` prints it.

use serde_json::Value;

/// A path below another, as text: it may lead above the folder that is built.
pub(crate) fn joined(base: &str, reference: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(reference.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The origin of an object that was read from a file.
pub(crate) fn of_file(path: &str) -> String {
    format!("path: {}\n", text(path))
}

/// The origin of an object a built-in made, or one change by a built-in.
pub(crate) fn of_builtin(file: &str, kind: &str) -> String {
    format!("configuredIn: {}\nconfiguredBy:\n  apiVersion: builtin\n  kind: {kind}\n", text(file))
}

/// Changes as one list.
pub(crate) fn list(changes: &[String]) -> String {
    let mut listed = String::new();
    for change in changes {
        for (number, line) in change.lines().enumerate() {
            listed.push_str(if number == 0 { "- " } else { "  " });
            listed.push_str(line);
            listed.push('\n');
        }
    }
    listed
}

fn text(path: &str) -> String {
    belay_goyaml::to_yaml_v3(&Value::from(path), 2).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_lead_up() {
        assert_eq!(joined("", "../base"), "../base");
        assert_eq!(joined("../base", "x/../b.yaml"), "../base/b.yaml");
        assert_eq!(joined("../../a", "../../b"), "../../../b");
    }
}
