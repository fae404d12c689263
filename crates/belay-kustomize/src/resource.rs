//! One object on its way through the build, and what its names have been.

use std::sync::Arc;

use belay_filetree::TreePath;
use belay_goyaml::Resolution;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::explain::Trace;
use crate::field_lookup;
use crate::id::{Gvk, ResourceId};
use crate::origin::Origin;
use crate::shared::Shared;
use crate::types::Types;

/// Where an object was first read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or the kustomization whose generator made the object.
    pub file: TreePath,
    /// 1-based line the object starts at; 0 where it has none.
    pub line: usize,
}

/// The annotation of `buildMetadata: [originAnnotations]`.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";

/// How a generated object meets one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Behavior {
        match text {
            "create" => Behavior::Create,
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            _ => Behavior::Unspecified,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Behavior::Unspecified => "unspecified",
            Behavior::Create => "create",
            Behavior::Replace => "replace",
            Behavior::Merge => "merge",
        }
    }
}

/// A name the object had before a transformer changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreviousName {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// An object and its history.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// The object; `Null` once a patch deleted it.
    pub(crate) object: Value,
    /// Where nulls stand that were written as nothing at all (`key:`), which a merge drops.
    pub(crate) bare_nulls: Vec<Vec<Step>>,
    /// Scalars that JSON says otherwise than they are written, such as `1.10`, and dates.
    pub(crate) written: Vec<Written>,
    /// Paths of fields that were given texts without saying so: they are numbers or booleans in the end
    /// if that is what they look like.
    pub(crate) untyped: Vec<String>,
    /// Those of `untyped` that stay texts if their files have them in quotes, and the texts they had.
    pub(crate) perhaps_quoted: Vec<(String, String)>,
    /// What the object was when it last went through JSON, which keeps nothing of how it was written.
    pub(crate) json: Option<JsonForm>,
    /// What was merged into the object since it was read, or since it went through JSON.
    pub(crate) patches: Vec<PatchText>,
    /// Why a field cannot be what a replacement made it; an error only if the object is written in the end.
    pub(crate) misfit: Option<String>,
    /// A text with the empty lines it ends with, and a comment, end the document.
    pub(crate) end: Option<KeptEnd>,
    /// Texts that are one and the same for the original.
    pub(crate) shared: Vec<Shared>,
    /// Annotations that a detour through JSON changes, such as `1e3`.
    pub(crate) reread_annotations: Vec<(String, String)>,
    pub(crate) previous: Vec<PreviousName>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) variables: Vec<String>,
    pub(crate) place: Option<Place>,
    /// What `buildMetadata: [originAnnotations]` prints.
    pub(crate) origin: Option<String>,
    /// What `buildMetadata: [transformerAnnotations]` prints.
    pub(crate) transformations: Vec<String>,
    /// Where the plugin was configured that this object configures.
    pub(crate) plugin_origin: Option<Origin>,
    /// What gave the field that is asked for its value.
    pub(crate) trace: Option<Box<Trace>>,
    /// What `openapi.path` says of kinds.
    pub(crate) types: Option<Arc<Types>>,
}

/// An object that went through JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct JsonForm {
    /// What it was before a patch was merged into it, if one was.
    pub(crate) object: Option<Value>,
    /// Keys that are in quotes from then on, as YAML 1.1 reads them as something else.
    pub(crate) quoted_keys: Vec<String>,
}

/// A strategic merge patch as it is written.
#[derive(Debug, Clone)]
pub(crate) struct PatchText {
    /// The file, or the text in the kustomization.
    pub(crate) text: Arc<str>,
    /// The line of the text that the patch begins at.
    pub(crate) line: usize,
    /// Whether it is for objects that are selected.
    pub(crate) has_target: bool,
}

fn collect_quoted(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if !belay_goyaml::is_text_unquoted(key, Resolution::V2) && !keys.contains(key) {
                    keys.push(key.clone());
                }
                collect_quoted(field, keys);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_quoted(item, keys)),
        _ => {}
    }
}

/// A scalar whose text or type the value does not tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    pub(crate) path: Vec<Step>,
    pub(crate) text: String,
    /// What it was read as.
    pub(crate) value: Value,
}

/// The text that ends a document before a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptEnd {
    pub(crate) text: String,
    /// What the original's writer adds to it.
    pub(crate) more: &'static str,
}

/// One step of a path into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

impl Resource {
    pub(crate) fn new(object: Value) -> Resource {
        Resource {
            object,
            bare_nulls: Vec::new(),
            written: Vec::new(),
            untyped: Vec::new(),
            perhaps_quoted: Vec::new(),
            json: None,
            patches: Vec::new(),
            misfit: None,
            end: None,
            shared: Vec::new(),
            reread_annotations: Vec::new(),
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::default(),
            needs_hash: false,
            variables: Vec::new(),
            place: None,
            origin: None,
            transformations: Vec::new(),
            plugin_origin: None,
            trace: None,
            types: None,
        }
    }

    pub(crate) fn is_deleted(&self) -> bool {
        match &self.object {
            Value::Object(fields) => fields.is_empty(),
            _ => true,
        }
    }

    pub(crate) fn kind(&self) -> &str {
        self.object.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn api_version(&self) -> &str {
        self.object.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::of(self.api_version(), self.kind())
    }

    pub(crate) fn name(&self) -> String {
        self.metadata_text("name")
    }

    pub(crate) fn namespace(&self) -> String {
        self.metadata_text("namespace")
    }

    fn metadata_text(&self, field: &str) -> String {
        self.object
            .get("metadata")
            .and_then(|metadata| metadata.get(field))
            .map(scalar_text)
            .unwrap_or_default()
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        self.object["kind"] = Value::from(kind);
    }

    pub(crate) fn set_name(&mut self, name: &str) -> Result<(), Error> {
        self.metadata_mut()?.insert("name".to_owned(), Value::from(name));
        Ok(())
    }

    /// Sets the namespace; an empty one takes the field away.
    pub(crate) fn set_namespace(&mut self, namespace: &str) -> Result<(), Error> {
        if namespace.is_empty() {
            if let Some(metadata) = self.object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove("namespace");
            }
            return Ok(());
        }
        self.metadata_mut()?.insert("namespace".to_owned(), Value::from(namespace));
        Ok(())
    }

    fn metadata_mut(&mut self) -> Result<&mut Map<String, Value>, Error> {
        let fields = self.object.as_object_mut().ok_or_else(|| Error::rule("the object is not a map"))?;
        let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        metadata.as_object_mut().ok_or_else(|| Error::rule("`metadata` is not a map"))
    }

    /// A map of `metadata` as texts, such as its labels.
    pub(crate) fn metadata_map(&self, field: &str) -> Vec<(String, String)> {
        self.texts(self.object.get("metadata").and_then(|metadata| metadata.get(field)))
    }

    /// A map of this object as texts, each as it is written.
    pub(crate) fn texts(&self, map: Option<&Value>) -> Vec<(String, String)> {
        let entries = map.and_then(Value::as_object).into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), self.text_of(value))).collect()
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<String> {
        Some(scalar_text(self.object.get("metadata")?.get("annotations")?.get(key)?))
    }

    /// Replaces a map of `metadata`; an empty one takes the field away.
    pub(crate) fn set_metadata_map(
        &mut self,
        field: &str,
        entries: Vec<(String, String)>,
    ) -> Result<(), Error> {
        let metadata = self.metadata_mut()?;
        if entries.is_empty() {
            metadata.shift_remove(field);
            return Ok(());
        }
        let map = entries.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        metadata.insert(field.to_owned(), Value::Object(map));
        Ok(())
    }

    /// The id by the object's present names.
    pub(crate) fn id(&self) -> ResourceId {
        self.id_in(self.types.as_deref())
    }

    /// The id by the object's present names, where this is what is known of kinds.
    pub(crate) fn id_in(&self, types: Option<&Types>) -> ResourceId {
        let gvk = self.gvk();
        let is_cluster_scoped = is_cluster_scoped(&gvk, types);
        ResourceId::scoped(gvk, &self.name(), &self.namespace(), is_cluster_scoped)
    }

    /// Whether the object's kind lives outside of namespaces.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        is_cluster_scoped(&self.gvk(), self.types.as_deref())
    }

    /// Every id the object had before, oldest first.
    pub(crate) fn previous_ids(&self) -> impl DoubleEndedIterator<Item = ResourceId> + '_ {
        self.previous.iter().map(|previous| {
            let gvk = Gvk::of(self.api_version(), &previous.kind);
            let is_cluster_scoped = is_cluster_scoped(&gvk, self.types.as_deref());
            ResourceId::scoped(gvk, &previous.name, &previous.namespace, is_cluster_scoped)
        })
    }

    /// The id the object was loaded with.
    pub(crate) fn original_id(&self) -> ResourceId {
        let first = self.previous_ids().next();
        first.unwrap_or_else(|| self.id())
    }

    /// Group, version and kind the object was loaded with.
    pub(crate) fn original_gvk(&self) -> Gvk {
        let kind = self.previous.first().map_or(self.kind(), |previous| &previous.kind);
        Gvk::of(self.api_version(), kind)
    }

    /// Remembers the present names before they change.
    pub(crate) fn remember_names(&mut self) {
        let id = self.id();
        self.previous.push(PreviousName { kind: id.gvk.kind, name: id.name, namespace: id.namespace });
    }

    /// What becomes of the object where the original takes it through JSON.
    pub(crate) fn pass_through_json(&mut self) {
        self.end_before_comment();
        self.bare_nulls.clear();
        self.written.clear();
        self.shared.clear();
        self.settle_types();
        round(&mut self.object);
        let reread = std::mem::take(&mut self.reread_annotations);
        let annotations =
            self.object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
        let Some(Value::Object(annotations)) = annotations else { return };
        for (key, text) in reread {
            if let Some(annotation) = annotations.get_mut(&key) {
                *annotation = Value::from(text);
            }
        }
    }

    /// Remembers a patch before it is merged into the object.
    pub(crate) fn note_patch(&mut self, patch: PatchText) {
        if let Some(json) = &mut self.json {
            json.object.get_or_insert_with(|| self.object.clone());
        }
        self.patches.push(patch);
    }

    /// Remembers that the object went through JSON, when it is whole again.
    pub(crate) fn note_json(&mut self) {
        let mut quoted_keys = Vec::new();
        collect_quoted(&self.object, &mut quoted_keys);
        self.patches.clear();
        self.json = Some(JsonForm { object: None, quoted_keys });
    }

    /// Whoever writes annotations writes texts, whatever they look like.
    pub(crate) fn take_annotations_for_texts(&mut self) {
        self.untyped.retain(|path| !path.starts_with("metadata.annotations"));
    }

    /// Gives fields without a type the types they look like.
    pub(crate) fn settle_types(&mut self) {
        for path in std::mem::take(&mut self.untyped) {
            let path = field_lookup::split(&path);
            let settle = &mut |field: &mut Value, _: bool| {
                if let Value::String(text) = field {
                    *field = field_lookup::plain(text);
                }
                Ok(())
            };
            // A field that is gone needs no type.
            let _ = field_lookup::visit(&mut self.object, &path, None, settle);
        }
    }

    /// What becomes of the last text where the original writes the object with its comments: the empty
    /// line before the one at the end is read as the text's own.
    pub(crate) fn end_before_comment(&mut self) {
        let Some(KeptEnd { text, more }) = self.end.take() else { return };
        let mut last = &mut self.object;
        loop {
            let inner = match last {
                Value::Object(fields) => fields.values_mut().next_back(),
                Value::Array(items) => items.last_mut(),
                Value::String(present) if *present == text => {
                    present.push_str(more);
                    None
                }
                _ => None,
            };
            match inner {
                Some(inner) => last = inner,
                None => return,
            }
        }
    }

    /// The text a field of this object is written with.
    pub(crate) fn text_of(&self, field: &Value) -> String {
        let is_it = |written: &&Written| {
            written.value == *field
                && at_path(&self.object, &written.path).is_some_and(|found| std::ptr::eq(found, field))
        };
        self.written.iter().find(is_it).map_or_else(|| scalar_text(field), |written| written.text.clone())
    }

    /// Fields that still are what they were read as. Only for comparing them with fields that are
    /// walked to.
    pub(crate) fn written_fields(&self) -> Vec<(*const Value, Written)> {
        let still = |written: &Written| {
            let field = at_path(&self.object, &written.path).filter(|field| **field == written.value)?;
            Some((std::ptr::from_ref(field), written.clone()))
        };
        self.written.iter().filter_map(still).collect()
    }

    /// Lets a patch see the annotation with the object's origin, as it would in the original.
    pub(crate) fn show_origin(&mut self) -> Result<(), Error> {
        let Some(origin) = self.origin.clone() else { return Ok(()) };
        let metadata = self.metadata_mut()?;
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(annotations) = annotations {
            annotations.insert(ORIGIN.to_owned(), Value::from(origin));
        }
        Ok(())
    }

    /// Takes the annotation away again. If the patch did, the object has no origin any more.
    pub(crate) fn hide_origin(&mut self) {
        if self.origin.is_none() {
            return;
        }
        let metadata = self.object.get_mut("metadata").and_then(Value::as_object_mut);
        let Some(metadata) = metadata else { return };
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        let found = annotations.and_then(|annotations| annotations.shift_remove(ORIGIN));
        if metadata.get("annotations").and_then(Value::as_object).is_some_and(Map::is_empty) {
            metadata.shift_remove("annotations");
        }
        if found.is_none() {
            self.origin = None;
            self.transformations.clear();
        }
    }

    /// Whether both objects went through the same prefixes and suffixes, outermost last.
    pub(crate) fn same_affixes(&self, other: &Resource, allow_empty: bool) -> bool {
        let same = |one: &[String], two: &[String]| {
            (allow_empty && (one.is_empty() || two.is_empty())) || same_ending(one, two)
        };
        same(&self.prefixes, &other.prefixes) && same(&self.suffixes, &other.suffixes)
    }
}

fn at_path<'v>(object: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(at) => value.get(at),
    })
}

/// The furthest a whole number may be from zero so that every one up to it is a float as well.
const MAX_WHOLE: u64 = 1 << 53;

/// Numbers as they are after they were floats.
fn round(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(round),
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Number(number) => {
            let is_far = number.as_i64().is_none_or(|whole| whole.unsigned_abs() > MAX_WHOLE);
            if let Some(float) = number.as_f64().filter(|_| is_far && !number.is_f64()) {
                *value = whole_or_float(float);
            }
        }
        _ => {}
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the float is whole and within the range")]
fn whole_or_float(float: f64) -> Value {
    if float.abs() < 9e18 { Value::from(float as i64) } else { Value::from(float) }
}

fn same_ending(one: &[String], two: &[String]) -> bool {
    let (short, long) = if one.len() <= two.len() { (one, two) } else { (two, one) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}

/// A scalar as the text it is written with; collections have none.
pub(crate) fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => String::new(),
        scalar => scalar.to_string(),
    }
}

fn is_cluster_scoped(gvk: &Gvk, types: Option<&Types>) -> bool {
    gvk.is_cluster_scoped() || types.is_some_and(|types| types.is_cluster_scoped(gvk))
}
