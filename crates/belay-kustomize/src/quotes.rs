//! Which scalars stand in quotes in the files that objects come from. Objects do not remember it: the
//! files are read again for the few that are asked for.

use belay_goyaml::{Node, Resolution, Style};
use serde_json::Value;

use crate::field_lookup;
use crate::loader::Loader;
use crate::places;
use crate::resources::Resources;

/// Lets fields that are texts in quotes stay texts.
pub(crate) fn keep(resources: &mut Resources, loader: &Loader<'_>) {
    for at in 0..resources.len() {
        if resources.get(at).perhaps_quoted.is_empty() {
            continue;
        }
        let resource = resources.content_mut(at);
        let asked = std::mem::take(&mut resource.perhaps_quoted);
        let place = resource.place.as_ref();
        let documents = place.and_then(|place| places::documents(loader.tree(), &place.file));
        let object = place.zip(documents.as_ref());
        let object = object.and_then(|(place, documents)| places::object_at(documents, place.line));
        for (path, present) in asked {
            let node = object.and_then(|object| places::node_at(object, &field_lookup::split(&path)));
            let own = node.map(|(node, _)| node).filter(|node| says(node, &present));
            if own.map_or_else(|| needs_quotes(&present), stands_in_quotes) {
                resource.untyped.retain(|untyped| *untyped != path);
            }
        }
    }
}

/// Whether a text is not written as it is.
pub(crate) fn needs_quotes(text: &str) -> bool {
    belay_goyaml::to_yaml_v3(&Value::from(text), 2).trim_end() != text
}

/// Whether the field is what the node says, so that nothing has changed it on the way.
fn says(node: &Node, present: &str) -> bool {
    node.to_json(Resolution::V3, true).is_ok_and(|value| value == present)
}

fn stands_in_quotes(node: &Node) -> bool {
    !matches!(node.style, Style::Plain | Style::Block | Style::Flow)
}
