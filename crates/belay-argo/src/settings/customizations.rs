//! `resource.customizations`: what an installation says of kinds, in both of its forms.

use std::collections::BTreeMap;

use belay_diff::{Jq, KnownField, KnownType};
use belay_goyaml::{Node, Style};

use super::document::Key;
use super::error::{SettingsError, Weight};
use super::filter::glob_matches;

/// The name of both forms' keys.
pub(super) const KEY: &str = "resource.customizations";
/// The key under which everything is customized.
const EVERYTHING: &str = "*/*";

/// What an installation says of kinds: by `group/Kind`, `Kind` for the core group, with globs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customizations {
    by_key: BTreeMap<String, Customization>,
}

/// What an installation says of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customization {
    /// A script that tells how well an object is; empty when there is none.
    pub health_lua: String,
    /// Whether that script gets all of Lua's libraries.
    pub use_open_libs: bool,
    /// What can be done with an object, as it is written.
    pub actions: String,
    /// Fields that are not compared.
    pub ignore_differences: Fields,
    /// Fields whose changes are no reason to look at an app.
    pub ignore_updates: Fields,
    /// Fields that hold Kubernetes' own types.
    pub known_types: Vec<KnownTypeField>,
}

/// Fields of objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// RFC 6901 pointers.
    pub json_pointers: Vec<String>,
    /// jq paths.
    pub jq: Vec<Jq>,
    /// All that these managers own.
    pub managers: Vec<String>,
    /// What could not be understood: apps with such objects cannot be compared.
    pub refused: Vec<SettingsError>,
}

/// A field of a custom kind that holds one of Kubernetes' own types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTypeField {
    /// Its path, with dots.
    pub field: String,
    /// Its type, as `core/Quantity`.
    pub known_type: KnownType,
}

impl KnownTypeField {
    /// The field of this kind.
    pub fn of(&self, group: &str, kind: &str) -> KnownField {
        KnownField {
            group: group.to_owned(),
            kind: kind.to_owned(),
            path: self.field.clone(),
            known_type: self.known_type.clone(),
        }
    }
}

impl Customizations {
    /// What is said of exactly this kind.
    pub fn exact(&self, group: &str, kind: &str) -> Option<&Customization> {
        self.by_key.get(&key_of(group, kind))
    }

    /// What is said of this kind by globs, most exact pattern first. (Argo CD takes any of several.)
    pub fn by_glob(&self, group: &str, kind: &str) -> Vec<&Customization> {
        let name = key_of(group, kind);
        let mut found: Vec<_> = self
            .by_key
            .iter()
            .filter(|(pattern, _)| **pattern != name && glob_matches(pattern, &name))
            .collect();
        let exactness = |pattern: &str| pattern.chars().filter(|letter| *letter != '*').count();
        found.sort_by_key(|(pattern, _)| std::cmp::Reverse(exactness(pattern)));
        found.into_iter().map(|(_, customization)| customization).collect()
    }

    /// The script that tells how well such an object is, and whether it gets all libraries: what is said of exactly
    /// this kind comes before globs.
    pub fn health(&self, group: &str, kind: &str) -> Option<(&str, bool)> {
        let own = self.exact(group, kind).into_iter().chain(self.by_glob(group, kind));
        own.filter(|found| !found.health_lua.is_empty())
            .map(|found| (found.health_lua.as_str(), found.use_open_libs))
            .next()
    }

    /// Everything that is said: globs of group and kind, and what.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Customization)> {
        self.by_key.iter().map(|(key, customization)| {
            let (group, kind) = key.split_once('/').unwrap_or(("", key));
            (group, kind, customization)
        })
    }

    pub(super) fn entry(&mut self, key: &str) -> &mut Customization {
        self.by_key.entry(key.to_owned()).or_default()
    }
}

fn key_of(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{group}/{kind}") }
}

/// Reads the one key that holds a mapping of kinds.
pub(super) fn read_whole(key: &Key<'_>, text: &str, all: &mut Customizations) -> Result<(), SettingsError> {
    const FIELDS: [&str; 6] = [
        "health.lua",
        "health.lua.useOpenLibs",
        "actions",
        "ignoreDifferences",
        "ignoreResourceUpdates",
        "knownTypeFields",
    ];
    let Some(root) = key.parse(text)? else { return Ok(()) };
    for (name, node) in key.entries("the value", &root)? {
        let customization = all.entry(&name);
        for (field, value) in key.fields(&name, node, &FIELDS)? {
            match field {
                "health.lua" => customization.health_lua = key.text(field, value)?,
                "health.lua.useOpenLibs" => customization.use_open_libs = key.flag(field, value)?,
                "actions" => customization.actions = key.text(field, value)?,
                "knownTypeFields" => customization.known_types = known_types(key, value)?,
                // The fields are written as a text of their own.
                _ => {
                    let fields = inner_fields(key, field, value)?;
                    match field {
                        "ignoreDifferences" => customization.ignore_differences = fields,
                        _ => customization.ignore_updates = fields,
                    }
                }
            }
        }
    }
    Ok(())
}

fn inner_fields(key: &Key<'_>, what: &str, node: &Node) -> Result<Fields, SettingsError> {
    let above = match node.style {
        Style::Literal | Style::Folded => node.line,
        _ => node.line - 1,
    };
    let below = |mut error: SettingsError| {
        error.line += above;
        error
    };
    let mut fields = read_fields(key, &key.text(what, node)?).map_err(below)?;
    fields.refused.iter_mut().for_each(|error| error.line += above);
    Ok(fields)
}

/// Reads one of the keys `resource.customizations.<what>.<group_Kind>`.
pub(super) fn read_split(key: &Key<'_>, text: &str, all: &mut Customizations) -> Result<(), SettingsError> {
    let mut parts = key.name.splitn(4, '.').skip(2);
    let (Some(what), Some(kind)) = (parts.next(), parts.next()) else {
        key.note(Weight::Behaviour, "names no kind; it is not acted on");
        return Ok(());
    };
    let customization = all.entry(&override_key(key, kind)?);
    match what {
        "health" => customization.health_lua = text.to_owned(),
        "useOpenLibs" => customization.use_open_libs = super::values::flag(key, text)?,
        "actions" => customization.actions = text.to_owned(),
        "ignoreDifferences" => customization.ignore_differences = read_fields(key, text)?,
        "ignoreResourceUpdates" => customization.ignore_updates = read_fields(key, text)?,
        "knownTypeFields" => {
            let Some(root) = key.parse(text)? else { return Ok(()) };
            customization.known_types = known_types(key, &root)?;
        }
        other => return Err(key.error(0, format!("resource customization type {other} not supported"))),
    }
    Ok(())
}

/// `group_Kind` or `Kind` as the other form writes it.
fn override_key(key: &Key<'_>, kind: &str) -> Result<String, SettingsError> {
    let parts: Vec<&str> = kind.split('_').collect();
    match parts.as_slice() {
        ["all"] => Ok(EVERYTHING.to_owned()),
        [kind] if !kind.is_empty() => Ok((*kind).to_owned()),
        [group, kind] => Ok(format!("{group}/{kind}")),
        _ => Err(key.error(
            0,
            format!(
                "group kind should be in format `resource.customizations.<type>.<group_kind>` or \
                 resource.customizations.<type>.<kind>`, got group kind: '{kind}'"
            ),
        )),
    }
}

fn read_fields(key: &Key<'_>, text: &str) -> Result<Fields, SettingsError> {
    const FIELDS: [&str; 3] = ["jsonPointers", "jqPathExpressions", "managedFieldsManagers"];
    let mut fields = Fields::default();
    let Some(root) = key.parse(text)? else { return Ok(fields) };
    for (name, value) in key.fields("the value", &root, &FIELDS)? {
        match name {
            "jsonPointers" => fields.json_pointers = key.texts(name, value)?,
            "managedFieldsManagers" => fields.managers = key.texts(name, value)?,
            _ => {
                for item in key.list(name, value)? {
                    match Jq::parse(&key.text(name, item)?) {
                        Ok(jq) => fields.jq.push(jq),
                        Err(error) => fields.refused.push(key.error(item.line, error.to_string())),
                    }
                }
            }
        }
    }
    Ok(fields)
}

fn known_types(key: &Key<'_>, node: &Node) -> Result<Vec<KnownTypeField>, SettingsError> {
    let mut found = Vec::new();
    for item in key.list("knownTypeFields", node)? {
        let (mut field, mut type_name) = (String::new(), String::new());
        for (name, value) in key.fields("an entry", item, &["field", "type"])? {
            match name {
                "field" => field = key.text(name, value)?,
                _ => type_name = key.text(name, value)?,
            }
        }
        match KnownType::named(&type_name) {
            Some(known_type) => found.push(KnownTypeField { field, known_type }),
            None => key.note(
                Weight::Behaviour,
                &format!("Failed to configure known field normalizer: type '{type_name}' is not supported"),
            ),
        }
    }
    Ok(found)
}
