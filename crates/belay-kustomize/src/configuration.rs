//! Which fields the transformers touch: the shipped tables, and what `configurations` add.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::decode::{Failure, from_value};
use crate::error::Error;
use crate::id::{FieldSpec, Gvk};
use crate::loader::Loader;
use crate::transformers::sort_order;

/// The fields each transformer touches.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Configuration {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) volume_claim_template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

/// Fields that hold the name of an object of one kind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NameReference {
    group: String,
    version: String,
    kind: String,
    pub(crate) field_specs: Vec<FieldSpec>,
}

impl NameReference {
    pub(crate) fn new(target: Gvk, field_specs: Vec<FieldSpec>) -> NameReference {
        NameReference { group: target.group, version: target.version, kind: target.kind, field_specs }
    }

    /// The kind of object that is named.
    pub(crate) fn target(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }
}

impl Configuration {
    /// The tables as they are shipped.
    pub(crate) fn shipped() -> Arc<Configuration> {
        static SHIPPED: OnceLock<Arc<Configuration>> = OnceLock::new();
        SHIPPED.get_or_init(|| Arc::new(read_tables())).clone()
    }

    /// The shipped tables with what the files of `configurations` add.
    pub(crate) fn load(loader: &Loader<'_>, paths: &[String]) -> Result<Arc<Configuration>, Error> {
        if paths.is_empty() {
            return Ok(Configuration::shipped());
        }
        let mut added = Configuration::default();
        for path in paths {
            let (file, content) = loader.read(path)?;
            let malformed = |source| Error::Yaml { file: file.to_string(), source };
            let text = String::from_utf8_lossy(&content);
            let value = belay_goyaml::to_json(&text).map_err(malformed)?;
            let failed = |failure: Failure| Error::Kustomization {
                file: file.clone(),
                reason: failure.in_text(&text),
            };
            let read: Option<Configuration> = from_value(value).map_err(failed)?;
            let mut read = read.unwrap_or_default();
            read.sort();
            added = added.merge(&read)?;
        }
        Configuration::shipped().merge(&added).map(Arc::new)
    }

    fn sort(&mut self) {
        let lists = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.volume_claim_template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ];
        for list in lists {
            sort_by_kind(list, FieldSpec::gvk);
        }
        sort_by_kind(&mut self.name_reference, NameReference::target);
    }

    /// Both together; places that are there already are not added again.
    pub(crate) fn merge(&self, other: &Configuration) -> Result<Configuration, Error> {
        let both = |mine: &[FieldSpec], others: &[FieldSpec]| {
            let mut merged = mine.to_vec();
            merge_places(&mut merged, others)?;
            sort_by_kind(&mut merged, FieldSpec::gvk);
            Ok::<_, Error>(merged)
        };
        Ok(Configuration {
            name_prefix: both(&self.name_prefix, &other.name_prefix)?,
            name_suffix: both(&self.name_suffix, &other.name_suffix)?,
            namespace: both(&self.namespace, &other.namespace)?,
            common_labels: both(&self.common_labels, &other.common_labels)?,
            labels: both(&self.labels, &other.labels)?,
            template_labels: both(&self.template_labels, &other.template_labels)?,
            volume_claim_template_labels: both(
                &self.volume_claim_template_labels,
                &other.volume_claim_template_labels,
            )?,
            common_annotations: both(&self.common_annotations, &other.common_annotations)?,
            name_reference: merge_references(&self.name_reference, &other.name_reference)?,
            var_reference: both(&self.var_reference, &other.var_reference)?,
            images: both(&self.images, &other.images)?,
            replicas: both(&self.replicas, &other.replicas)?,
        })
    }
}

/// Adds places, unless one on the same path is there that is of the kind which the added one selects.
/// So a place for all kinds is lost behind one for a single kind, and not the other way about.
pub(crate) fn merge_places(places: &mut Vec<FieldSpec>, added: &[FieldSpec]) -> Result<(), Error> {
    for place in added {
        let present = |other: &&FieldSpec| other.path == place.path && other.gvk().is_selected(&place.gvk());
        match places.iter().find(present) {
            Some(other) if other.create != place.create => {
                return Err(Error::rule(format!("conflicting fieldspecs for path '{}'", place.path)));
            }
            Some(_) => {}
            None => places.push(place.clone()),
        }
    }
    Ok(())
}

fn merge_references(mine: &[NameReference], others: &[NameReference]) -> Result<Vec<NameReference>, Error> {
    let mut merged = mine.to_vec();
    for other in others {
        match merged.iter_mut().find(|reference| reference.target() == other.target()) {
            Some(reference) => merge_places(&mut reference.field_specs, &other.field_specs)?,
            None => merged.push(other.clone()),
        }
    }
    sort_by_kind(&mut merged, NameReference::target);
    Ok(merged)
}

fn sort_by_kind<T>(list: &mut [T], gvk: impl Fn(&T) -> Gvk) {
    list.sort_by_cached_key(|entry| {
        let gvk = gvk(entry);
        (sort_order::default_rank(&gvk.kind), sort_order::kind_text(&gvk))
    });
}

fn read_tables() -> Configuration {
    let mut shipped = Configuration::default();
    let mut section = "";
    for line in lines(include_str!("../data/field_specs.txt")) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let places = match section {
            "namePrefix" => &mut shipped.name_prefix,
            "nameSuffix" => &mut shipped.name_suffix,
            "namespace" => &mut shipped.namespace,
            "commonLabels" => &mut shipped.common_labels,
            "templateLabels" => &mut shipped.template_labels,
            "volumeClaimTemplateLabels" => &mut shipped.volume_claim_template_labels,
            "commonAnnotations" => &mut shipped.common_annotations,
            "images" => &mut shipped.images,
            "replicas" => &mut shipped.replicas,
            "varReference" => &mut shipped.var_reference,
            other => unreachable!("the table has no section {other}"),
        };
        places.push(place_of(line));
    }
    for line in lines(include_str!("../data/name_references.txt")) {
        match line.strip_prefix('[') {
            Some(target) => shipped
                .name_reference
                .push(NameReference::new(gvk_of(target.trim_end_matches(']')), Vec::new())),
            None => {
                let last = shipped.name_reference.last_mut().expect("the table starts with a target");
                last.field_specs.push(place_of(line));
            }
        }
    }
    shipped.sort();
    // As what gathers starts with: without the places that are lost behind others.
    let empty = Configuration::default();
    empty.merge(&shipped).expect("the shipped tables agree with themselves")
}

fn lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn column(text: &str) -> String {
    if text == "-" { String::new() } else { text.to_owned() }
}

fn gvk_of(line: &str) -> Gvk {
    let mut columns = line.split(' ').map(column);
    let mut next = || columns.next().unwrap_or_default();
    Gvk { group: next(), version: next(), kind: next() }
}

fn place_of(line: &str) -> FieldSpec {
    let gvk = gvk_of(line);
    let mut columns = line.split(' ').skip(3);
    let path = columns.next().unwrap_or_default().to_owned();
    FieldSpec {
        group: gvk.group,
        version: gvk.version,
        kind: gvk.kind,
        path,
        create: columns.next().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_complete_and_agree() {
        let shipped = Configuration::shipped();
        assert_eq!(shipped.images.len(), 7);
        assert_eq!(shipped.replicas.len(), 4);
        assert!(shipped.name_reference.iter().any(|reference| reference.target().kind == "ConfigMap"));
        assert!(
            shipped
                .common_labels
                .iter()
                .any(|place| place.path == "spec/volumeClaimTemplates[]/metadata/labels")
        );
    }

    #[test]
    fn the_tables_lose_no_place_when_they_are_merged() {
        let count = |line: &&str| !line.starts_with('[');
        let places = |table: &str| lines(table).filter(count).count();
        let shipped = Configuration::shipped();
        let references: usize = shipped.name_reference.iter().map(|one| one.field_specs.len()).sum();
        assert_eq!(references, places(include_str!("../data/name_references.txt")));
        assert_eq!(shipped.merge(&shipped).unwrap(), *shipped);
    }

    #[test]
    fn a_place_for_all_kinds_is_lost_behind_one_for_a_single_kind() {
        let place = |kind: &str| FieldSpec { path: "a/b".into(), kind: kind.into(), ..FieldSpec::default() };
        let mut places = vec![place("X")];
        merge_places(&mut places, &[place("")]).unwrap();
        assert_eq!(places.len(), 1);
        let mut places = vec![place("")];
        merge_places(&mut places, &[place("X")]).unwrap();
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn a_place_is_added_once_and_must_not_conflict() {
        let place =
            |create| FieldSpec { path: "a/b".into(), kind: "X".into(), create, ..FieldSpec::default() };
        let mut places = vec![place(true)];
        merge_places(&mut places, &[place(true)]).unwrap();
        assert_eq!(places.len(), 1);
        assert!(merge_places(&mut places, &[place(false)]).is_err());
    }
}
