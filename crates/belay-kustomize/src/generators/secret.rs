//! `secretGenerator`.

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
        let made = make(arguments, &options, loader).map(|made| vec![made]);
        made.during(|| format!("generating secret '{}'", arguments.name))
    };
    kustomization.secret_generator.iter().map(generate).collect()
}

pub(crate) fn make(
    arguments: &GeneratorArguments,
    options: &GeneratorOptions,
    loader: &Loader<'_>,
) -> Result<Resource, Error> {
    if arguments.name.is_empty() {
        return Err(Error::rule("a secret must have a name"));
    }
    let kind = if arguments.r#type.is_empty() { "Opaque" } else { &arguments.r#type };
    let mut data = Map::new();
    for (key, content) in sources::load(arguments, loader)? {
        data.insert(key, Value::from(sources::base64_lines(&content)));
    }
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": kind, "data": data});
    finish(object, arguments, options)
}
