//! What Helm asks the cluster of rendered objects before it would install them: whether their kinds are served, and
//! whether objects that are there may be taken over.
//!
//! Servers that check fields themselves do so when objects are written, so Helm leaves the fields alone here.

use std::borrow::Cow;

use belay_helm::{Manifest, Rendered};
use serde_json::Value;

use super::{Cluster, NoAnswer, ServedKind};
use crate::failure::Original;

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// For whom the objects would be installed.
pub(in crate::commands::helm) struct Check<'a> {
    pub(in crate::commands::helm) release: &'a str,
    pub(in crate::commands::helm) namespace: &'a str,
    /// The files of crds/ are part of it.
    pub(in crate::commands::helm) with_crds: bool,
    /// Leave alone what is in the cluster: it is upgraded, or taken over.
    pub(in crate::commands::helm) may_exist: bool,
}

/// An object whose kind is served.
struct Known {
    object: Value,
    api_version: String,
    served: ServedKind,
    namespace: String,
}

impl Check<'_> {
    /// The first thing that Helm would refuse.
    pub(in crate::commands::helm) fn run(
        &self,
        cluster: &Cluster,
        rendered: &Rendered,
    ) -> Result<(), Original> {
        let known = self.build(cluster, rendered).map_err(|error| {
            Original::new(format!("unable to build kubernetes objects from release manifest: {error}"))
        })?;
        if self.may_exist {
            return Ok(());
        }
        for object in &known {
            self.check_existing(cluster, object)
                .map_err(|error| Original::new(format!("unable to continue with install: {error}")))?;
        }
        Ok(())
    }

    /// The objects, or everything that is wrong with them.
    fn build(&self, cluster: &Cluster, rendered: &Rendered) -> Result<Vec<Known>, String> {
        let crds = rendered.crds.iter().filter(|_| self.with_crds).map(|crd| crd.text());
        let crds = crds.collect::<Result<Vec<&str>, _>>().map_err(|error| error.to_string())?;
        let manifests = rendered.manifests.iter().map(|manifest| text(rendered, manifest));
        let manifests = manifests.collect::<Result<Vec<_>, _>>()?;
        let texts = crds.into_iter().chain(manifests.iter().map(|text| &**text));
        let mut known = Vec::new();
        let mut errors: Vec<String> = Vec::new();
        for document in texts.flat_map(belay_goyaml::split_documents).map(|(_, text)| text) {
            let object = match read(document) {
                Ok(None) => continue,
                Ok(Some(object)) => object,
                Err(error) => {
                    // Nothing is read behind it.
                    errors.push(error);
                    break;
                }
            };
            if let Err(error) = self.place(cluster, object, &mut known) {
                errors.extend(error);
            }
        }
        let mut told: Vec<String> = Vec::new();
        for error in errors {
            if !told.contains(&error) {
                told.push(error);
            }
        }
        match told.as_slice() {
            [] => Ok(known),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }

    /// Adds the object, or those of a list.
    fn place(&self, cluster: &Cluster, object: Value, known: &mut Vec<Known>) -> Result<(), Vec<String>> {
        let fields = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        if let Some(error) = wrong_metadata(&object) {
            return Err(vec![error]);
        }
        if let Some(items) = object["items"].as_array() {
            if object["kind"] != "List" {
                self.served(cluster, &object).map_err(|error| vec![not_mapped(&error, "", "")])?;
            }
            let mut errors = Vec::new();
            for item in items {
                match self.served(cluster, item) {
                    Ok(served) => known.push(self.known(item.clone(), served)),
                    Err(error) => errors.push(format!("unable to recognize {error}")),
                }
            }
            return if errors.is_empty() { Ok(()) } else { Err(errors) };
        }
        match self.served(cluster, &object) {
            Ok(served) => {
                known.push(self.known(object, served));
                Ok(())
            }
            Err(error) => Err(vec![not_mapped(&error, fields("name"), fields("namespace"))]),
        }
    }

    fn known(&self, object: Value, served: ServedKind) -> Known {
        let own = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let namespace = match (served.is_namespaced, own) {
            (false, _) => "",
            (true, "") => self.namespace,
            (true, own) => own,
        };
        Known {
            namespace: namespace.to_owned(),
            api_version: object["apiVersion"].as_str().unwrap_or_default().to_owned(),
            object,
            served,
        }
    }

    fn served(&self, cluster: &Cluster, object: &Value) -> Result<ServedKind, String> {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let kinds = match cluster.kinds_of(api_version) {
            Ok(kinds) => kinds,
            Err(NoAnswer::NotFound(_)) => Vec::new(),
            Err(NoAnswer::Failed(error)) => return Err(error),
        };
        let served = kinds.into_iter().find(|served| served.kind == kind);
        served.ok_or_else(|| format!("no matches for kind {kind:?} in version {api_version:?}"))
    }

    fn check_existing(&self, cluster: &Cluster, known: &Known) -> Result<(), String> {
        let text = |name: &str| known.object["metadata"][name].as_str().unwrap_or_default();
        let (name, generated) = (text("name"), text("generateName"));
        match (name, generated) {
            ("", "") | (_, "") => {}
            ("", _) => return Ok(()),
            _ => return Err("metadata.name and metadata.generateName cannot both be set".to_owned()),
        }
        let shown = format!("{} {name:?} in namespace {:?}", known.served.kind, known.namespace);
        let unknown = |error: &str| format!("could not get information about the resource {shown}: {error}");
        if name.is_empty() {
            return Err(unknown("resource name may not be empty"));
        }
        match cluster.object(&known.api_version, &known.served, &known.namespace, name) {
            Err(NoAnswer::NotFound(_)) => Ok(()),
            Err(NoAnswer::Failed(error)) => Err(unknown(&error)),
            Ok(existing) => self.check_owner(&existing).map_err(|error| {
                format!("{shown} exists and cannot be imported into the current release: {error}")
            }),
        }
    }

    /// Whether Helm may take the object for the release's.
    fn check_owner(&self, existing: &Value) -> Result<(), String> {
        let metadata = &existing["metadata"];
        let wanted = [
            ("label", "labels", MANAGED_BY, "Helm"),
            ("annotation", "annotations", RELEASE_NAME, self.release),
            ("annotation", "annotations", RELEASE_NAMESPACE, self.namespace),
        ];
        let errors: Vec<String> = wanted
            .into_iter()
            .filter_map(|(what, place, key, wanted)| {
                let error = match metadata[place][key].as_str() {
                    Some(found) if found == wanted => return None,
                    Some(found) => format!("key {key:?} must equal {wanted:?}: current value is {found:?}"),
                    None => format!("missing key {key:?}: must be set to {wanted:?}"),
                };
                Some(format!("{what} validation error: {error}"))
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(format!("invalid ownership metadata; {}", errors.join("; ")))
        }
    }
}

/// The document as text, also where the template gave UTF-16.
fn text<'r>(rendered: &'r Rendered, manifest: &'r Manifest) -> Result<Cow<'r, str>, String> {
    if !rendered.stand_ins.contains(&manifest.source) {
        return Ok(Cow::Borrowed(&manifest.text));
    }
    let bytes = rendered.raw(&manifest.source, &manifest.text);
    let text = belay_goyaml::text_from_bytes(&bytes).map_err(|error| error.to_string())?;
    Ok(Cow::Owned(text.into_owned()))
}

/// The object of a document, if there is one, with a version and a kind.
fn read(document: &str) -> Result<Option<Value>, String> {
    let object = belay_goyaml::to_json(document).map_err(|error| {
        format!("error parsing : error converting YAML to JSON: {}", belay_causes::chain(&error))
    })?;
    if object.is_null() {
        return Ok(None);
    }
    let is_missing = |name: &str| object[name].as_str().is_none_or(str::is_empty);
    let missing = match (is_missing("apiVersion"), is_missing("kind")) {
        (false, false) => return Ok(Some(object)),
        (true, false) => "apiVersion not set",
        (false, true) => "kind not set",
        (true, true) => "[apiVersion not set, kind not set]",
    };
    Err(format!("error validating \"\": error validating data: {missing}"))
}

fn not_mapped(error: &str, name: &str, namespace: &str) -> String {
    if !error.starts_with("no matches for kind") {
        return format!("unable to recognize \"\": {error}");
    }
    format!(
        "resource mapping not found for name: {name:?} namespace: {namespace:?} from \"\": {error}\nensure CRDs are \
         installed first"
    )
}

/// Texts of the metadata that are none, as Go's reader tells the first of them.
fn wrong_metadata(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    let wrong = |value: &Value, path: &str| {
        let found = match value {
            Value::Null | Value::String(_) => return None,
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let place = format!("Go struct field ObjectMeta.metadata.{path} of type string");
        Some(format!("unable to decode \"\": json: cannot unmarshal {found} into {place}"))
    };
    let of_map = |name: &str| {
        let values = metadata[name].as_object().into_iter().flat_map(|map| map.values());
        values.into_iter().find_map(|value| wrong(value, name))
    };
    of_map("annotations")
        .or_else(|| wrong(&metadata["generateName"], "generateName"))
        .or_else(|| of_map("labels"))
        .or_else(|| wrong(&metadata["name"], "name"))
        .or_else(|| wrong(&metadata["namespace"], "namespace"))
}
