//! `images`: names, tags and digests of images.

use regex::Regex;
use serde_json::Value;

use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::FieldSpec;
use crate::kustomization::Image;
use crate::resource::scalar_text;
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let images = setting.kustomization.images.iter();
    let fields = &setting.configuration.images;
    Ok(images
        .map(|image| Box::new(Images::new(image.clone(), fields.clone())) as Box<dyn Transformer>)
        .collect())
}

pub(crate) struct Images {
    image: Image,
    /// The name is a pattern; one that is no regular expression matches nothing.
    pattern: Option<Regex>,
    fields: Vec<FieldSpec>,
}

impl Images {
    pub(crate) fn new(image: Image, fields: Vec<FieldSpec>) -> Images {
        let tag = "(:[a-zA-Z0-9_.{}-]*)?";
        let digest = "(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?";
        let pattern = Regex::new(&format!("^{}{tag}{digest}$", image.name)).ok();
        Images { image, pattern, fields }
    }

    /// Sets the image in `containers` and `initContainers` wherever they stand.
    fn everywhere(&self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.everywhere(item)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.everywhere(field)?;
                    if name == "containers" || name == "initContainers" {
                        self.containers(field)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn containers(&self, value: &mut Value) -> Result<(), Error> {
        let Value::Array(items) = value else { return Ok(()) };
        for item in items {
            match item {
                Value::Object(fields) => fields.get_mut("image").map_or(Ok(()), |image| self.set(image))?,
                Value::Null => {}
                _ => return Err(Error::rule("wrong node kind: a container is a map")),
            }
        }
        Ok(())
    }

    fn set(&self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Array(_) | Value::Object(_) => Err(Error::rule("wrong node kind: an image is a text")),
            Value::Null => Ok(()),
            value => {
                let image = scalar_text(value);
                if self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&image)) {
                    *value = Value::from(self.renamed(&image));
                }
                Ok(())
            }
        }
    }

    fn renamed(&self, image: &str) -> String {
        let (name, mut tag, mut digest) = split(image);
        let wanted = &self.image;
        let mut name = if wanted.new_name.is_empty() { name.to_owned() } else { wanted.new_name.clone() };
        match (wanted.new_tag.as_str(), wanted.digest.as_str()) {
            ("", "") if !wanted.tag_suffix.is_empty() => {
                tag.push_str(&wanted.tag_suffix);
                digest.clear();
            }
            ("", "") => {}
            (new_tag, new_digest) => {
                new_tag.clone_into(&mut tag);
                new_digest.clone_into(&mut digest);
            }
        }
        for (sign, part) in [(':', tag), ('@', digest)] {
            if !part.is_empty() {
                name.push(sign);
                name.push_str(&part);
            }
        }
        name
    }
}

/// Name, tag and digest; the registry's port is part of the name.
pub(crate) fn split(image: &str) -> (&str, String, String) {
    let path = image.find('/').unwrap_or(0);
    let at = |sign| image[path..].find(sign).map(|found| found + path);
    match (at(':'), at('@')) {
        (None, None) => (image, String::new(), String::new()),
        (Some(tag), None) => (&image[..tag], image[tag + 1..].to_owned(), String::new()),
        (Some(tag), Some(digest)) if tag < digest => {
            (&image[..tag], image[tag + 1..digest].to_owned(), image[digest + 1..].to_owned())
        }
        (_, Some(digest)) => (&image[..digest], String::new(), image[digest + 1..].to_owned()),
    }
}

impl Transformer for Images {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            if resource.kind() == "CustomResourceDefinition" {
                continue;
            }
            let gvk = resource.gvk();
            self.everywhere(&mut resource.object)
                .during(|| format!("setting images of {}", resource.id()))?;
            for field in &self.fields {
                let set = &mut |value: &mut Value| self.set(value);
                let result = field_path::visit(&mut resource.object, &gvk, field, Create::Never, set);
                result.during(|| format!("setting images of {}", resource.id()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        assert_eq!(split("host:5000/a/b"), ("host:5000/a/b", String::new(), String::new()));
        assert_eq!(split("host:5000/a:1"), ("host:5000/a", "1".into(), String::new()));
        assert_eq!(split("a@sha256:12"), ("a", String::new(), "sha256:12".into()));
        assert_eq!(split("a:1@sha256:12"), ("a", "1".into(), "sha256:12".into()));
    }
}
