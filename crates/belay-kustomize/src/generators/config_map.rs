//! `configMapGenerator`.

use serde_json::{Map, Value, json};

use super::{Setting, finish, options_of, sources};
use crate::error::{During, Error};
use crate::kustomization::{GeneratorArguments, GeneratorOptions};
use crate::loader::Loader;
use crate::resource::Resource;

pub(crate) fn generate(setting: &Setting<'_>) -> Result<Vec<Vec<Resource>>, Error> {
    let Setting { kustomization, loader, .. } = setting;
    let generate = |arguments: &GeneratorArguments| {
        let options = options_of(arguments.options.as_ref(), kustomization.generator_options.as_ref());
        if !arguments.r#type.is_empty() {
            return Err(Error::rule("`configMapGenerator`: unknown field \"type\""));
        }
        let made = make(arguments, &options, loader).map(|made| vec![made]);
        made.during(|| format!("generating config map '{}'", arguments.name))
    };
    kustomization.config_map_generator.iter().map(generate).collect()
}

pub(crate) fn make(
    arguments: &GeneratorArguments,
    options: &GeneratorOptions,
    loader: &Loader<'_>,
) -> Result<Resource, Error> {
    if arguments.name.is_empty() {
        return Err(Error::rule("a configmap must have a name"));
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}});
    for (key, content) in sources::load(arguments, loader)? {
        let (field, text) = match String::from_utf8(content) {
            Ok(text) => ("data", text),
            Err(error) => ("binaryData", sources::base64_lines(error.as_bytes())),
        };
        if object.get(field).is_none() {
            object[field] = Value::Object(Map::new());
        }
        object[field][key] = Value::from(text);
    }
    finish(object, arguments, options)
}
