//! `kustomize edit`: one change of a kustomization file, in the layout that the original writes.

mod glob;
mod layout;

use belay_filetree::{FileTree, TreePath};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::kustomization::Kustomization;
use crate::remote::RemoteRepository;
use crate::transformers::images;

/// A change, with its arguments as they are typed.
#[derive(Debug, Clone, PartialEq)]
pub enum FileEdit {
    /// `set nameprefix`
    SetNamePrefix(String),
    /// `set namesuffix`
    SetNameSuffix(String),
    /// `set namespace`
    SetNamespace(String),
    /// `set image NAME=NEWNAME:TAG@DIGEST …`
    SetImages(Vec<String>),
    /// `set replicas NAME=COUNT …`
    SetReplicas(Vec<String>),
    /// `set label KEY:VALUE …`
    SetLabels(Vec<String>),
    /// `set annotation KEY:VALUE …`
    SetAnnotations(Vec<String>),
    /// `add label KEY:VALUE …`
    AddLabels {
        /// The pairs.
        pairs: Vec<String>,
        /// Whether labels that are there may change.
        force: bool,
        /// Whether they go to `labels` instead of `commonLabels`.
        without_selector: bool,
        /// Whether templates get them too.
        include_templates: bool,
    },
    /// `add annotation KEY:VALUE …`
    AddAnnotations {
        /// The pairs.
        pairs: Vec<String>,
        /// Whether annotations that are there may change.
        force: bool,
    },
    /// `add resource PATTERN …`
    AddResources {
        /// Paths, patterns or URLs.
        patterns: Vec<String>,
        /// Whether they are taken without a look at the files.
        no_verify: bool,
    },
    /// `add component PATTERN …`
    AddComponents(Vec<String>),
    /// `add patch`, with the fields of the entry.
    AddPatch(Value),
    /// `remove resource PATTERN …`
    RemoveResources(Vec<String>),
    /// `remove component PATTERN …`
    RemoveComponents(Vec<String>),
    /// `remove label KEY,…`
    RemoveLabels {
        /// The keys, parted by commas.
        keys: String,
        /// Whether missing ones do not matter.
        ignore_missing: bool,
    },
    /// `remove annotation KEY,…`
    RemoveAnnotations {
        /// The keys, parted by commas.
        keys: String,
        /// Whether missing ones do not matter.
        ignore_missing: bool,
    },
    /// `remove patch`, with the fields of the entry.
    RemovePatch(Value),
}

/// The text of the kustomization file after the change.
pub fn edit_file(tree: &dyn FileTree, file: &TreePath, text: &str, edit: &FileEdit) -> Result<String, Error> {
    let mut fields = read(text, file)?;
    let before = fields.clone();
    let context = Context { tree, file };
    context.carry_out(edit, &mut fields)?;
    let is_list_edit = matches!(
        edit,
        FileEdit::AddPatch(_)
            | FileEdit::RemovePatch(_)
            | FileEdit::RemoveResources(_)
            | FileEdit::RemoveComponents(_)
    );
    if is_list_edit && before == fields {
        // Nothing was found to change, and the file is left as it is.
        return Ok(text.to_owned());
    }
    layout::write(text, &fields)
}

/// The fields of the file by their names of today.
fn read(text: &str, file: &TreePath) -> Result<Map<String, Value>, Error> {
    Kustomization::decode(text.as_bytes(), file)?;
    let malformed = |source| Error::Yaml { file: file.to_string(), source };
    let value = belay_goyaml::to_json(text).map_err(malformed)?;
    let mut fields = Map::new();
    let mut moved: Vec<(&str, Value)> = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match layout::canonical(name) {
            Some("bases") => moved.push(("resources", value.clone())),
            Some(field) => drop(fields.insert(field.to_owned(), value.clone())),
            None => moved.push(("images", value.clone())),
        }
    }
    for (field, value) in moved {
        let list = fields.entry(field).or_insert_with(|| json!([]));
        if let (Value::Array(list), Value::Array(more)) = (list, value) {
            list.extend(more);
        }
    }
    let kind = fields.entry("kind").or_insert_with(|| json!("Kustomization"));
    let version = match kind.as_str() {
        Some("Component") => "kustomize.config.k8s.io/v1alpha1",
        _ => "kustomize.config.k8s.io/v1beta1",
    };
    fields.entry("apiVersion").or_insert_with(|| json!(version));
    for field in ["configMapGenerator", "secretGenerator"] {
        for entry in fields.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(entry) = entry.as_object_mut() else { continue };
            if let Some(file) = entry.shift_remove("env").filter(|file| file.as_str() != Some("")) {
                let files = entry.entry("envs").or_insert_with(|| json!([]));
                if let Value::Array(files) = files {
                    files.push(file);
                }
            }
        }
    }
    for variable in fields.get_mut("vars").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(variable) = variable.as_object_mut() {
            variable.entry("fieldref").or_insert_with(|| json!({}));
        }
    }
    Ok(fields)
}

struct Context<'c> {
    tree: &'c dyn FileTree,
    file: &'c TreePath,
}

impl Context<'_> {
    fn carry_out(&self, edit: &FileEdit, fields: &mut Map<String, Value>) -> Result<(), Error> {
        let mut set = |field: &str, value: &str| drop(fields.insert(field.to_owned(), Value::from(value)));
        match edit {
            FileEdit::SetNamePrefix(prefix) => set("namePrefix", prefix),
            FileEdit::SetNameSuffix(suffix) => set("nameSuffix", suffix),
            FileEdit::SetNamespace(namespace) => set("namespace", namespace),
            FileEdit::SetImages(arguments) => set_images(fields, arguments)?,
            FileEdit::SetReplicas(arguments) => set_replicas(fields, arguments)?,
            FileEdit::SetLabels(pairs) => add_pairs(map_of(fields, "commonLabels"), pairs, true, "label")?,
            FileEdit::SetAnnotations(pairs) => {
                check_annotations(pairs)?;
                add_pairs(map_of(fields, "commonAnnotations"), pairs, true, "annotation")?;
            }
            FileEdit::AddLabels { pairs, force, without_selector: false, include_templates: false } => {
                add_pairs(map_of(fields, "commonLabels"), pairs, *force, "label")?;
            }
            FileEdit::AddLabels { without_selector: false, .. } => {
                return Err(Error::rule(
                    "--without-selector flag must be specified for --include-templates to work",
                ));
            }
            FileEdit::AddLabels { pairs, force, include_templates, .. } => {
                add_pairs(label_pairs(fields, *include_templates), pairs, *force, "label")?;
            }
            FileEdit::AddAnnotations { pairs, force } => {
                add_pairs(map_of(fields, "commonAnnotations"), pairs, *force, "annotation")?;
            }
            FileEdit::AddResources { patterns, no_verify } => {
                self.add_paths(fields, "resources", patterns, *no_verify)?;
            }
            FileEdit::AddComponents(patterns) => self.add_paths(fields, "components", patterns, false)?,
            FileEdit::AddPatch(patch) => add_patch(fields, patch)?,
            FileEdit::RemoveResources(patterns) => remove_paths(fields, "resources", patterns)?,
            FileEdit::RemoveComponents(patterns) => remove_paths(fields, "components", patterns)?,
            FileEdit::RemoveLabels { keys, ignore_missing } => {
                remove_keys(fields, "commonLabels", keys, *ignore_missing, "label")?;
            }
            FileEdit::RemoveAnnotations { keys, ignore_missing } => {
                remove_keys(fields, "commonAnnotations", keys, *ignore_missing, "annotation")?;
            }
            FileEdit::RemovePatch(patch) => {
                if let Some(Value::Array(list)) = fields.get_mut("patches") {
                    list.retain(|present| !same_patch(present, patch));
                }
            }
        }
        Ok(())
    }

    /// Adds what the patterns match and the list does not hold yet.
    fn add_paths(
        &self,
        fields: &mut Map<String, Value>,
        field: &str,
        patterns: &[String],
        no_verify: bool,
    ) -> Result<(), Error> {
        let folder = self.file.parent().unwrap_or_default();
        let mut found = Vec::new();
        for pattern in patterns {
            let matched =
                if no_verify { vec![pattern.clone()] } else { glob::files(self.tree, &folder, pattern)? };
            if matched.is_empty() && RemoteRepository::parse(pattern).is_none() {
                return Err(Error::rule(format!("{pattern} has no match")));
            }
            found.extend(if matched.is_empty() { vec![pattern.clone()] } else { matched });
        }
        let list = list_of(fields, field);
        for path in found.into_iter().filter(|path| path != self.file.file_name()) {
            let path = Value::from(path);
            if !list.contains(&path) {
                list.push(path);
            }
        }
        Ok(())
    }
}

fn list_of<'f>(fields: &'f mut Map<String, Value>, field: &str) -> &'f mut Vec<Value> {
    let value = fields.entry(field).or_insert_with(|| json!([]));
    if !value.is_array() {
        *value = json!([]);
    }
    value.as_array_mut().expect("it was made a list just now")
}

fn map_of<'f>(fields: &'f mut Map<String, Value>, field: &str) -> &'f mut Map<String, Value> {
    let value = fields.entry(field).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made a map just now")
}

fn text<'v>(entry: &'v Value, field: &str) -> &'v str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// `NAME=NEWNAME:TAG@DIGEST`; `*` keeps what the file says.
fn set_images(fields: &mut Map<String, Value>, arguments: &[String]) -> Result<(), Error> {
    const KEEP: &str = "*";
    let list = list_of(fields, "images");
    for argument in arguments {
        let (key, value) = argument.split_once('=').unwrap_or(("", argument));
        let (name, tag, digest) = images::split(value);
        if name == argument.as_str() {
            return Err(Error::rule(format!(
                "invalid format of image '{argument}', use <image>=<newimage>:<newtag>@<digest> or a part of it"
            )));
        }
        let own = if key.is_empty() { name } else { key };
        let present = list.iter().find(|image| text(image, "name") == own).cloned().unwrap_or_default();
        let kept = |wanted: &str, field: &str| {
            if wanted == KEEP { text(&present, field).to_owned() } else { wanted.to_owned() }
        };
        let new_name = if key.is_empty() { String::new() } else { kept(name, "newName") };
        let image = json!({
            "name": own,
            "newName": new_name,
            "newTag": kept(&tag, "newTag"),
            "digest": kept(&digest, "digest"),
        });
        put(list, image);
    }
    list.sort_by(|one, other| text(one, "name").cmp(text(other, "name")));
    Ok(())
}

fn set_replicas(fields: &mut Map<String, Value>, arguments: &[String]) -> Result<(), Error> {
    let list = list_of(fields, "replicas");
    for argument in arguments {
        let parts: Vec<&str> = argument.split('=').collect();
        let (name, count) = match parts[..] {
            [name, count] => (name, count.parse::<i64>().ok()),
            _ => ("", None),
        };
        let invalid = "invalid format of replica, use the following format: <name>=<count>";
        let count = count.ok_or_else(|| Error::rule(invalid))?;
        put(list, json!({"name": name, "count": count}));
    }
    list.sort_by(|one, other| text(one, "name").cmp(text(other, "name")));
    Ok(())
}

/// Replaces the entry of the same name, or adds it.
fn put(list: &mut Vec<Value>, entry: Value) {
    match list.iter_mut().find(|present| text(present, "name") == text(&entry, "name")) {
        Some(present) => *present = entry,
        None => list.push(entry),
    }
}

/// `KEY:VALUE`; a value may stand in quotes, and a key alone has an empty one.
fn add_pairs(map: &mut Map<String, Value>, pairs: &[String], force: bool, kind: &str) -> Result<(), Error> {
    if pairs.is_empty() {
        return Err(Error::rule(format!("must specify {kind}")));
    }
    for pair in pairs {
        let (key, value) = pair.split_once(':').unwrap_or((pair, ""));
        if key.is_empty() && pair.starts_with(':') {
            return Err(Error::rule(format!(
                "invalid {kind}: '{pair}' (need k:v pair where v may be quoted)"
            )));
        }
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if map.contains_key(key) && !force {
            return Err(Error::rule(format!(
                "{kind} {key} already in kustomization file. Use --force to override."
            )));
        }
        map.insert(key.to_owned(), Value::from(unquoted));
    }
    Ok(())
}

/// Keys of annotations: an optional prefix, and a name of 63 letters at most.
fn check_annotations(pairs: &[String]) -> Result<(), Error> {
    let is_part = |text: &str, more: &str| {
        let outer = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
        let inner = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
        outer(text.chars().next()) && outer(text.chars().last()) && text.chars().all(inner)
    };
    for pair in pairs {
        let key = pair.split_once(':').map_or(pair.as_str(), |(key, _)| key);
        let (prefix, name) = key.split_once('/').unwrap_or(("example.com", key));
        if !is_part(prefix, "-.") || !is_part(name, "-_.") || name.len() > 63 {
            return Err(Error::rule(format!("invalid annotation key '{key}'")));
        }
    }
    Ok(())
}

/// The pairs of the first entry of `labels` with these settings; one is made if there is none.
fn label_pairs(fields: &mut Map<String, Value>, include_templates: bool) -> &mut Map<String, Value> {
    let list = list_of(fields, "labels");
    let is_set = |entry: &Value, field: &str| entry.get(field) == Some(&Value::Bool(true));
    let fits = |entry: &Value| {
        !is_set(entry, "includeSelectors") && is_set(entry, "includeTemplates") == include_templates
    };
    let at = list.iter().position(fits).unwrap_or_else(|| {
        list.push(json!({"includeTemplates": include_templates}));
        list.len() - 1
    });
    if !list[at].is_object() {
        list[at] = json!({});
    }
    map_of(list[at].as_object_mut().expect("it was made a map just now"), "pairs")
}

fn remove_paths(fields: &mut Map<String, Value>, field: &str, patterns: &[String]) -> Result<(), Error> {
    let patterns = patterns.iter().map(|pattern| glob::expression(pattern)).collect::<Result<Vec<_>, _>>()?;
    if let Some(Value::Array(list)) = fields.get_mut(field) {
        list.retain(|path| {
            let path = path.as_str().unwrap_or_default();
            !patterns.iter().any(|pattern| pattern.is_match(path))
        });
    }
    Ok(())
}

fn remove_keys(
    fields: &mut Map<String, Value>,
    field: &str,
    keys: &str,
    ignore_missing: bool,
    kind: &str,
) -> Result<(), Error> {
    if !fields.contains_key(field) && !ignore_missing {
        return Err(Error::rule(format!("{field} is not defined in kustomization file")));
    }
    let map = map_of(fields, field);
    for key in keys.split(',') {
        if key.is_empty() {
            return Err(Error::rule(format!("invalid {kind}: '' (name is empty)")));
        }
        if map.shift_remove(key).is_none() && !ignore_missing {
            return Err(Error::rule(format!("{kind} {key} is not defined in kustomization file")));
        }
    }
    Ok(())
}

fn add_patch(fields: &mut Map<String, Value>, patch: &Value) -> Result<(), Error> {
    match (text(patch, "path"), text(patch, "patch")) {
        ("", "") => return Err(Error::rule("must provide either patch or path")),
        ("", _) | (_, "") => {}
        _ => return Err(Error::rule("patch and path can't be set at the same time")),
    }
    let list = list_of(fields, "patches");
    if !list.iter().any(|present| same_patch(present, patch)) {
        list.push(patch.clone());
    }
    Ok(())
}

/// Whether all fields are the same; an empty target counts as none.
fn same_patch(one: &Value, other: &Value) -> bool {
    const PARTS: [&str; 7] =
        ["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];
    let target = |patch: &Value| {
        PARTS.map(|part| patch.get("target").map_or("", |target| text(target, part)).to_owned())
    };
    text(one, "path") == text(other, "path")
        && text(one, "patch") == text(other, "patch")
        && target(one) == target(other)
        && one.get("options") == other.get("options")
}
