//! From built manifests to the objects that a Kustomization wants in the cluster.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belay_cluster::{Kinds, Scope};
use belay_flux_api::{CommonMetadata, Kustomization, refused_object_annotations};
use belay_manifest::{GroupVersionKind, Manifest, Object, ObjectKey, Origin, is_dns_label};
use belay_plan::{Desired, Treatment};
use serde_json::Value;

/// The label that names the Kustomization of an object.
pub const OWNER_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// The label that names its namespace.
pub const OWNER_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
const APPLY: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// Something in the manifests that stops the Kustomization.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PrepareError {
    /// An annotation or label asks for something that is not built yet.
    #[error("{origin}: {object}: {feature} is not supported yet")]
    NotSupported {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// What it asks for.
        feature: String,
    },
    /// A namespaced object has no namespace.
    #[error("{origin}: {object}: namespace not specified, neither by the object nor by spec.targetNamespace")]
    NoNamespace {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
    },
    /// The namespace is no DNS label.
    #[error("{origin}: {object}: namespace {namespace:?} is not a DNS label")]
    Namespace {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// The namespace.
        namespace: String,
    },
    /// Two manifests are the same object.
    #[error("{origin}: {object}: is there twice, first at {first}")]
    Twice {
        /// File and line.
        origin: String,
        /// The object.
        object: String,
        /// File and line of the first.
        first: String,
    },
}

/// What the manifests came to.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The objects, labelled, in their namespaces, each once.
    pub(crate) desired: Vec<Desired>,
    /// The first object of each kind that the cluster does not know and that no definition among the objects
    /// brings.
    pub(crate) unknown: Vec<OfUnknownKind>,
}

/// An object of a kind that the cluster does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {object}: no matches for kind \"{}\" in version \"{}\"", kind.kind, kind.api_version())]
pub(crate) struct OfUnknownKind {
    /// Its kind.
    pub(crate) kind: GroupVersionKind,
    /// The object.
    pub(crate) object: ObjectKey,
    /// Where it was written.
    pub(crate) origin: Origin,
}

/// Whose the objects will be, and what is laid over every one.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    /// The Kustomization's name.
    pub(crate) name: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// `spec.commonMetadata`.
    pub(crate) common: Option<&'a CommonMetadata>,
    /// `spec.force`.
    pub(crate) force: bool,
}

impl<'a> Target<'a> {
    /// The target of a Kustomization.
    pub(crate) fn of(app: &'a Kustomization) -> Target<'a> {
        Target {
            name: &app.metadata.name,
            namespace: &app.metadata.namespace,
            common: app.spec.common_metadata.as_ref(),
            force: app.spec.force,
        }
    }

    /// Whether a live object carries our labels.
    pub(crate) fn owns(&self, object: &Object) -> bool {
        object.label(OWNER_NAME) == Some(self.name) && object.label(OWNER_NAMESPACE) == Some(self.namespace)
    }
}

/// Labels, places and checks every manifest.
pub(crate) fn prepare(
    manifests: &[Manifest],
    target: &Target<'_>,
    kinds: &Kinds,
) -> Result<Prepared, PrepareError> {
    prepare_with(manifests, target, |kind| kinds.known(kind).map(|resource| resource.scope))
}

fn prepare_with(
    manifests: &[Manifest],
    target: &Target<'_>,
    scope: impl Fn(&GroupVersionKind) -> Option<Scope>,
) -> Result<Prepared, PrepareError> {
    let defined = defined_kinds(manifests);
    let mut prepared = Prepared::default();
    let mut origins: BTreeMap<_, String> = BTreeMap::new();
    for manifest in manifests {
        refuse_unsupported(manifest)?;
        let kind = manifest.object.gvk();
        let known = scope(&kind).or_else(|| defined.get(&(kind.group.clone(), kind.kind.clone())).copied());
        let Some(scope) = known else {
            if !prepared.unknown.iter().any(|unknown| unknown.kind == kind) {
                let (object, origin) = (manifest.object.key(), manifest.origin.clone());
                prepared.unknown.push(OfUnknownKind { kind, object, origin });
            }
            continue;
        };
        let object = placed(manifest, scope, target)?;
        if let Some(first) = origins.insert(object.key(), manifest.origin.to_string()) {
            let (origin, object) = (manifest.origin.to_string(), object.key().to_string());
            return Err(PrepareError::Twice { origin, object, first });
        }
        let treatment = treatment(&object, target);
        prepared.desired.push(Desired { treatment, object, origin: manifest.origin.clone() });
    }
    Ok(prepared)
}

/// Kinds that definitions among the manifests bring.
fn defined_kinds(manifests: &[Manifest]) -> BTreeMap<(String, String), Scope> {
    let text = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let definitions =
        manifests.iter().filter(|manifest| manifest.object.kind() == "CustomResourceDefinition");
    definitions
        .map(|manifest| {
            let value = manifest.object.value();
            let is_cluster = text(value, "/spec/scope") == "Cluster";
            let scope = if is_cluster { Scope::Cluster } else { Scope::Namespaced };
            ((text(value, "/spec/group"), text(value, "/spec/names/kind")), scope)
        })
        .collect()
}

fn placed(manifest: &Manifest, scope: Scope, target: &Target<'_>) -> Result<Object, PrepareError> {
    let mut object = manifest.object.clone();
    let (origin, name) = (manifest.origin.to_string(), object.key().to_string());
    match scope {
        Scope::Cluster => object.set_namespace(""),
        Scope::Namespaced if object.namespace().is_empty() => {
            return Err(PrepareError::NoNamespace { origin, object: name });
        }
        Scope::Namespaced if !is_dns_label(object.namespace()) => {
            let namespace = object.namespace().to_owned();
            return Err(PrepareError::Namespace { origin, object: name, namespace });
        }
        Scope::Namespaced => {}
    }
    normalise(&mut object);
    as_the_api_keeps_it(&mut object);
    if let Some(common) = target.common {
        common.labels.iter().for_each(|(name, value)| object.set_label(name, value));
        common.annotations.iter().for_each(|(name, value)| object.set_annotation(name, value));
    }
    object.set_label(OWNER_NAME, target.name);
    object.set_label(OWNER_NAMESPACE, target.namespace);
    Ok(object)
}

/// Takes away what is the API server's to say.
pub(crate) fn normalise(object: &mut Object) {
    if let Some(fields) = object.value_mut().as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("creationTimestamp");
        }
    }
}

/// As Flux applies it: a Secret's texts as its data, so that a text that leaves Git leaves the cluster and every key is
/// owned as one kind of field; and a definition without a conversion webhook's placeholder of a certificate, which the
/// API server refuses and which somebody else (cert-manager, mostly) puts there.
fn as_the_api_keeps_it(object: &mut Object) {
    match object.kind() {
        "Secret" if object.value().get("stringData").is_some() => {
            *object.value_mut() = belay_diff::with_string_data(object.value());
        }
        "CustomResourceDefinition" => {
            let client = object.value_mut().pointer_mut("/spec/conversion/webhook/clientConfig");
            let client = client.and_then(Value::as_object_mut);
            if let Some(client) = client.filter(|client| client.get("caBundle").is_some_and(is_placeholder)) {
                client.shift_remove("caBundle");
            }
        }
        _ => {}
    }
}

/// Whether a `caBundle` says something, and no certificate.
fn is_placeholder(bundle: &Value) -> bool {
    let text = bundle.as_str().unwrap_or_default();
    !text.is_empty() && !STANDARD.decode(text).is_ok_and(|bytes| holds_certificate(&bytes))
}

/// Whether there is a block of a certificate in the text whose content is one whole ASN.1 sequence.
fn holds_certificate(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks.filter_map(|block| block.split_once("-----END CERTIFICATE-----")).any(|(body, _)| {
        let body: String = body.split_whitespace().collect();
        STANDARD.decode(body).is_ok_and(|bytes| is_sequence(&bytes))
    })
}

/// Whether the bytes are one ASN.1 sequence as DER writes it, to their end.
fn is_sequence(bytes: &[u8]) -> bool {
    let Some((0x30, [first, rest @ ..])) = bytes.split_first() else {
        return false;
    };
    match first & 0x7f {
        length if first & 0x80 == 0 => rest.len() == usize::from(length),
        count @ 1..=4 if rest.len() > usize::from(count) => {
            let (length, content) = rest.split_at(usize::from(count));
            length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) == content.len()
        }
        _ => false,
    }
}

/// Whether an annotation or label, which Flux reads alike, says so.
fn is(object: &Object, name: &str, value: &str) -> bool {
    [object.annotation(name), object.label(name)]
        .iter()
        .any(|found| found.is_some_and(|found| found.eq_ignore_ascii_case(value)))
}

fn treatment(object: &Object, target: &Target<'_>) -> Treatment {
    Treatment {
        ignore: is_disabled(object) || is(object, APPLY, "Ignore"),
        keep: keeps(object),
        only_create: is(object, APPLY, "IfNotPresent"),
        may_be_gone: false,
        recreate: target.force || is(object, FORCE, "Enabled"),
        merge: is(object, APPLY, "Merge"),
    }
}

/// What a live object asks for itself counts beside what Git says of it.
pub(crate) fn heed(treatment: &mut Treatment, live: &Object) {
    treatment.ignore |= is_disabled(live) || is(live, APPLY, "Ignore");
    treatment.merge |= is(live, APPLY, "Merge");
}

/// Whether an object, desired or live, asks to be left alone.
fn is_disabled(object: &Object) -> bool {
    is(object, RECONCILE, "Disabled")
}

/// Whether a live object asks to stay when it leaves Git, or when its Kustomization goes.
pub(crate) fn keeps(object: &Object) -> bool {
    is(object, PRUNE, "Disabled") || is_disabled(object)
}

fn refuse_unsupported(manifest: &Manifest) -> Result<(), PrepareError> {
    let object = &manifest.object;
    let refuse = |feature: String| PrepareError::NotSupported {
        origin: manifest.origin.to_string(),
        object: object.key().to_string(),
        feature,
    };
    let maps = ["/metadata/annotations", "/metadata/labels"];
    let names = maps.iter().filter_map(|path| object.value().pointer(path)?.as_object()).flatten();
    if let Some(name) = refused_object_annotations(names.map(|(name, _)| name.as_str())).first() {
        let value = object.annotation(name).or_else(|| object.label(name)).unwrap_or_default();
        return Err(refuse(format!("annotation {name}: {value}")));
    }
    if object.value().get("sops").is_some() {
        return Err(refuse("decryption of SOPS-encrypted manifests".to_owned()));
    }
    if object.name().is_empty() {
        return Err(refuse("metadata.generateName".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::Origin;
    use serde_json::json;

    fn manifest(value: Value) -> Manifest {
        Manifest { object: Object::new(value).unwrap(), origin: Origin { file: "a.yaml".into(), line: 3 } }
    }

    fn map(annotations: Value) -> Manifest {
        manifest(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "web", "annotations": annotations}}))
    }

    const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
    const TARGET: Target<'_> = Target { name: "apps", namespace: "flux-system", common: None, force: false };

    fn run(manifests: &[Manifest]) -> Result<Prepared, PrepareError> {
        prepare_with(manifests, &TARGET, |kind| match kind.kind.as_str() {
            "ConfigMap" => Some(Scope::Namespaced),
            "Namespace" => Some(Scope::Cluster),
            _ => None,
        })
    }

    #[test]
    fn every_object_is_labelled_with_its_owner() {
        let prepared = run(&[map(json!({}))]).unwrap();
        let object = &prepared.desired[0].object;
        assert_eq!(object.label(OWNER_NAME), Some("apps"));
        assert!(TARGET.owns(object));
        assert!(!Target { name: "other", ..TARGET }.owns(object));
    }

    #[test]
    fn a_placeholder_of_a_certificate_is_none() {
        let pem = |content: &[u8]| {
            let body = STANDARD.encode(content);
            let text = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
            Value::from(STANDARD.encode(text))
        };
        for placeholder in [json!("Cg=="), json!("no base64"), pem(b"text"), pem(&[0x30, 3, 1]), pem(&[])] {
            assert!(is_placeholder(&placeholder), "{placeholder}");
        }
        let long: Vec<u8> = [0x30, 0x82, 1, 0].into_iter().chain([7; 256]).collect();
        for bundle in [json!(""), pem(&[0x30, 1, 7]), pem(&long)] {
            assert!(!is_placeholder(&bundle), "{bundle}");
        }
    }

    #[test]
    fn texts_of_a_secret_are_its_data_and_a_definition_has_no_placeholder() {
        let mut secret =
            Object::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
            "data": {"a": "YQ==", "b": "YQ=="}, "stringData": {"b": "text"}}))
            .unwrap();
        as_the_api_keeps_it(&mut secret);
        assert_eq!(secret.value()["data"], json!({"a": "YQ==", "b": "dGV4dA=="}));
        assert!(secret.value().get("stringData").is_none());
        let client = json!({"caBundle": "Cg==", "service": {"name": "convert"}});
        let mut definition = Object::new(json!({"apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.dev"},
            "spec": {"conversion": {"webhook": {"clientConfig": client}}}}))
        .unwrap();
        as_the_api_keeps_it(&mut definition);
        let client = &definition.value()["spec"]["conversion"]["webhook"]["clientConfig"];
        assert_eq!(*client, json!({"service": {"name": "convert"}}));
    }

    #[test]
    fn marks_are_honoured_or_refused_by_name() {
        let kept = map(json!({PRUNE: "disabled", APPLY: "ifnotpresent", FORCE: "enabled"}));
        let treatment = run(&[kept]).unwrap().desired[0].treatment;
        let expected = Treatment { keep: true, only_create: true, recreate: true, ..Treatment::default() };
        assert_eq!(treatment, expected);
        let treatment_of = |annotations| run(&[map(annotations)]).unwrap().desired[0].treatment;
        assert!(treatment_of(json!({RECONCILE: "Disabled"})).ignore);
        assert!(treatment_of(json!({APPLY: "Ignore"})).ignore);
        assert!(treatment_of(json!({APPLY: "Merge"})).merge);
        // As with Flux, a word that is none is as if it were not there.
        assert_eq!(treatment_of(json!({APPLY: "Override"})), treatment_of(json!({APPLY: "Always"})));
        assert_eq!(
            run(&[map(json!({DECRYPT: "Disabled"}))]).unwrap_err().to_string(),
            "a.yaml:3: ConfigMap/web/a: annotation kustomize.toolkit.fluxcd.io/decrypt: Disabled is not supported yet"
        );
    }

    #[test]
    fn a_live_object_may_ask_for_itself() {
        let live = |value: &str| map(json!({APPLY: value})).object;
        let mut treatment = Treatment::default();
        heed(&mut treatment, &live("merge"));
        assert_eq!(treatment, Treatment { merge: true, ..Treatment::default() });
        heed(&mut treatment, &live("ignore"));
        assert!(treatment.ignore);
        // Whether it is there already is not its own to say.
        let mut treatment = Treatment::default();
        heed(&mut treatment, &live("IfNotPresent"));
        assert_eq!(treatment, Treatment::default());
    }

    #[test]
    fn objects_are_placed_and_each_is_there_once() {
        let homeless = manifest(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}));
        assert!(matches!(run(&[homeless]), Err(PrepareError::NoNamespace { .. })));
        assert!(matches!(run(&[map(json!({})), map(json!({}))]), Err(PrepareError::Twice { .. })));
        let other = manifest(json!({"apiVersion": "x.dev/v1", "kind": "Thing", "metadata": {"name": "a"}}));
        assert_eq!(run(std::slice::from_ref(&other)).unwrap().unknown.len(), 1);
        let definition = manifest(json!({"apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.dev"},
            "spec": {"group": "x.dev", "scope": "Cluster", "names": {"kind": "Thing"}}}));
        let prepared = run(&[definition, other]).unwrap();
        assert_eq!(prepared.desired.len(), 1, "the definition's own kind is what this test does not know");
    }
}
