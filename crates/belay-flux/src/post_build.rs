//! `postBuild`: variables put in place in what was built.

use belay_flux_api::{PostBuild, SubstituteReference};
use belay_kustomize::{SubstituteError, SubstituteOptions, SubstituteVariables, substitute, variable_value};
use belay_manifest::{IdentityError, Manifest, Object};
use k8s_openapi::ByteString;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use serde_json::Value;

/// Why variables are not put in place. The text holds no value of a Secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostBuildError {
    #[error("substitute from '{reference}' error: not found")]
    NotFound { reference: String },
    #[error("substitute from '{reference}' error")]
    Api {
        reference: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("substitute from '{reference}' error: its key {key:?} is not text")]
    NoText { reference: String, key: String },
    #[error("var substitution failed for '{name}'")]
    Substitute {
        name: String,
        #[source]
        source: SubstituteError,
    },
    #[error("var substitution failed for '{name}'")]
    NoObject {
        name: String,
        #[source]
        source: IdentityError,
    },
}

/// Values of Secrets, which the API server may repeat in what it says about an object.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// The text without them, as the original hides them.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        let values = self.0.iter().filter(|value| !value.is_empty());
        values.fold(text.to_owned(), |text, value| text.replace(value.as_str(), "*****"))
    }
}

/// The variables: those of ConfigMaps and Secrets in order, and over them those of the spec. `secrets` gets the
/// values that are not to be shown.
pub(crate) async fn variables(
    client: &Client,
    namespace: &str,
    post_build: &PostBuild,
    secrets: &mut Secrets,
) -> Result<SubstituteVariables, PostBuildError> {
    let mut variables = SubstituteVariables::new();
    for reference in &post_build.substitute_from {
        let found = read(client, namespace, reference).await?;
        if reference.kind == "Secret" {
            secrets.0.extend(found.values().cloned());
        }
        variables.extend(found);
    }
    let inline = post_build.substitute.iter();
    variables.extend(inline.map(|(name, value)| (name.clone(), variable_value(value))));
    Ok(variables)
}

async fn read(
    client: &Client,
    namespace: &str,
    reference: &SubstituteReference,
) -> Result<SubstituteVariables, PostBuildError> {
    let resource = match reference.kind.as_str() {
        "Secret" => ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()),
        _ => ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()),
    };
    let shown = format!("{}/{}", reference.kind, reference.name);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    match api.get_opt(&reference.name).await {
        Ok(Some(object)) => texts(&object.data["data"], reference.kind == "Secret", &shown),
        Ok(None) if reference.optional => Ok(SubstituteVariables::new()),
        Ok(None) => Err(PostBuildError::NotFound { reference: shown }),
        Err(source) => Err(PostBuildError::Api { reference: shown, source: Box::new(source) }),
    }
}

fn texts(data: &Value, is_secret: bool, reference: &str) -> Result<SubstituteVariables, PostBuildError> {
    let mut variables = SubstituteVariables::new();
    for (key, value) in data.as_object().into_iter().flatten() {
        let no_text = || PostBuildError::NoText { reference: reference.to_owned(), key: key.clone() };
        let text = match is_secret {
            false => value.as_str().ok_or_else(no_text)?.to_owned(),
            true => {
                let bytes: ByteString = serde_json::from_value(value.clone()).map_err(|_| no_text())?;
                String::from_utf8(bytes.0).map_err(|_| no_text())?
            }
        };
        variables.insert(key.clone(), variable_value(&text));
    }
    Ok(variables)
}

/// Every object with its variables replaced. A variable without value and default is an error.
pub(crate) fn replaced(
    manifests: &[Manifest],
    post_build: &PostBuild,
    variables: &SubstituteVariables,
) -> Result<Vec<Manifest>, PostBuildError> {
    let options = SubstituteOptions { strict: true, always: post_build.substitute_strategy == "Always" };
    manifests.iter().map(|manifest| one(manifest, variables, options)).collect()
}

fn one(
    manifest: &Manifest,
    variables: &SubstituteVariables,
    options: SubstituteOptions,
) -> Result<Manifest, PostBuildError> {
    let name = || manifest.object.name().to_owned();
    let value = substitute(manifest.object.value(), variables, options)
        .map_err(|source| PostBuildError::Substitute { name: name(), source })?;
    let object = Object::new(value).map_err(|source| PostBuildError::NoObject { name: name(), source })?;
    Ok(Manifest { object, origin: manifest.origin.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use belay_manifest::Origin;
    use serde_json::json;

    fn run(post_build: Value, value: &str) -> Result<Value, String> {
        let object = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a"}, "data": {"x": value}}))
        .unwrap();
        let manifest = Manifest { object, origin: Origin::default() };
        let post_build = PostBuild::read(post_build).unwrap();
        let variables =
            post_build.substitute.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let replaced = replaced(&[manifest], &post_build, &variables);
        replaced
            .map(|replaced| replaced[0].object.value()["data"]["x"].clone())
            .map_err(|error| belay_causes::chain(&error))
    }

    #[test]
    fn variables_are_replaced_and_a_missing_one_is_named() {
        let variables = json!({"substitute": {"NAME": "web"}});
        assert_eq!(run(variables.clone(), "a-${NAME}").unwrap(), "a-web");
        let error = run(variables, "${GONE}").unwrap_err();
        assert!(error.starts_with("var substitution failed for 'a': ") && error.contains("GONE"), "{error}");
        assert_eq!(run(json!({}), "${GONE}").unwrap(), "${GONE}");
        assert!(run(json!({"substituteStrategy": "Always"}), "${GONE}").is_err());
    }

    #[test]
    fn values_of_secrets_are_decoded() {
        let read = texts(&json!({"A": "eA=="}), true, "Secret/a").unwrap();
        assert_eq!(read["A"], "x");
        let error = texts(&json!({"A": "/w=="}), true, "Secret/a").unwrap_err().to_string();
        assert_eq!(error, "substitute from 'Secret/a' error: its key \"A\" is not text");
    }
}
