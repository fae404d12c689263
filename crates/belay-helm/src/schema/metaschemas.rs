//! The metaschemas of json-schema.org, compiled, and the check of schemas against them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use referencing::meta;
use serde_json::{Value as Json, json};

use super::compile::{Compiler, Schema, SchemaId, Schemas};
use super::document::Document;
use super::draft::{Dialect, Draft};
use super::evaluate::{Catalog, Evaluator, MetaTargets, Stop};
use super::fault::Fault;
use super::library::Root;
use super::places::Places;

/// The documents, by what follows `json-schema.org/` in their URLs.
static DOCUMENTS: LazyLock<HashMap<&'static str, Document>> = LazyLock::new(|| {
    let amended = [
        ("draft-04/schema", &meta::DRAFT4, draft_4()),
        ("draft-06/schema", &meta::DRAFT6, draft_6()),
        ("draft-07/schema", &meta::DRAFT7, demands_of_enum()),
    ];
    let plain = [
        ("draft/2019-09/schema", &meta::DRAFT201909),
        ("draft/2019-09/meta/core", &meta::DRAFT201909_CORE),
        ("draft/2019-09/meta/applicator", &meta::DRAFT201909_APPLICATOR),
        ("draft/2019-09/meta/validation", &meta::DRAFT201909_VALIDATION),
        ("draft/2019-09/meta/meta-data", &meta::DRAFT201909_META_DATA),
        ("draft/2019-09/meta/format", &meta::DRAFT201909_FORMAT),
        ("draft/2019-09/meta/content", &meta::DRAFT201909_CONTENT),
        ("draft/2020-12/schema", &meta::DRAFT202012),
        ("draft/2020-12/meta/core", &meta::DRAFT202012_CORE),
        ("draft/2020-12/meta/applicator", &meta::DRAFT202012_APPLICATOR),
        ("draft/2020-12/meta/unevaluated", &meta::DRAFT202012_UNEVALUATED),
        ("draft/2020-12/meta/validation", &meta::DRAFT202012_VALIDATION),
        ("draft/2020-12/meta/meta-data", &meta::DRAFT202012_META_DATA),
        ("draft/2020-12/meta/format-annotation", &meta::DRAFT202012_FORMAT_ANNOTATION),
        ("draft/2020-12/meta/format-assertion", &meta::DRAFT202012_FORMAT_ASSERTION),
        ("draft/2020-12/meta/content", &meta::DRAFT202012_CONTENT),
    ];
    let with = |metaschema: &Arc<Json>, amendments: Vec<(&str, Json)>| {
        let mut metaschema = Json::clone(metaschema);
        for (keyword, schema) in amendments {
            metaschema["properties"][keyword] = schema;
        }
        Document::from(&metaschema)
    };
    let amended =
        amended.into_iter().map(|(path, metaschema, amendments)| (path, with(metaschema, amendments)));
    let plain = plain.into_iter().map(|(path, metaschema)| (path, with(metaschema, Vec::new())));
    amended.chain(plain).collect()
});

/// The library that Helm uses has metaschemas of its own for the early drafts, which differ from the published ones
/// in these keywords.
fn demands_of_enum() -> Vec<(&'static str, Json)> {
    vec![("enum", json!({"type": "array", "items": true, "minItems": 1, "uniqueItems": true}))]
}

fn draft_6() -> Vec<(&'static str, Json)> {
    let by_name = json!({"type": "object", "additionalProperties": {"$ref": "#"}, "default": {}});
    let mut amendments = demands_of_enum();
    amendments.extend([("examples", json!(true)), ("patternProperties", by_name)]);
    amendments
}

fn draft_4() -> Vec<(&'static str, Json)> {
    vec![
        ("enum", json!({"type": "array", "minItems": 1, "uniqueItems": true})),
        ("id", json!({"type": "string", "format": "uriref"})),
        ("$schema", json!({"type": "string", "format": "uri"})),
        ("$ref", json!({"type": "string"})),
    ]
}

/// The metaschema of that URL, if it is one.
pub(super) fn document(url: &str) -> Result<Option<&'static Document>, Fault> {
    let path =
        url.strip_prefix("http://json-schema.org/").or_else(|| url.strip_prefix("https://json-schema.org/"));
    let Some(path) = path else { return Ok(None) };
    let path = if path == "schema" { "draft/2020-12/schema" } else { path };
    let is_folder = |known: &&str| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    if !path.is_empty() && DOCUMENTS.keys().any(is_folder) {
        return Err(Fault::Folder(path.to_owned()));
    }
    Ok(DOCUMENTS.get(path))
}

/// The schema that allows everything.
pub(super) fn anything() -> &'static Document {
    static ANYTHING: Document = Document::Bool(true);
    &ANYTHING
}

/// The metaschemas of all drafts.
pub(super) struct Metaschemas {
    schemas: Schemas<'static>,
    of_drafts: HashMap<Draft, SchemaId>,
    of_vocabularies: HashMap<(Draft, &'static str), SchemaId>,
}

static COMPILED: LazyLock<Result<Metaschemas, Fault>> = LazyLock::new(Metaschemas::compile);

impl Metaschemas {
    /// All of them, compiled once.
    pub(super) fn get() -> Result<&'static Self, Fault> {
        COMPILED.as_ref().map_err(Clone::clone)
    }

    fn compile() -> Result<Self, Fault> {
        let mut compiler = Compiler::new(None, None);
        let (mut of_drafts, mut of_vocabularies) = (HashMap::new(), HashMap::new());
        for draft in Draft::ALL {
            of_drafts.insert(draft, compiler.compile(draft.url())?);
            for name in draft.vocabularies() {
                let url = format!("{}meta/{name}", draft.url().trim_end_matches("schema"));
                of_vocabularies.insert((draft, *name), compiler.compile(&url)?);
            }
        }
        Ok(Self { schemas: compiler.finish(), of_drafts, of_vocabularies })
    }

    /// What a metaschema says against the document, if anything; `root` and `places` tell of the schemas within it
    /// that have dialects of their own.
    pub(super) fn check(
        &self,
        document: &Document,
        dialect: &Dialect,
        root: &Root,
        places: &Places<'_>,
    ) -> Result<Option<String>, Stop> {
        let mut catalog = Catalog::new(&self.schemas);
        let own = self.metaschema_of(dialect, &mut catalog);
        let of_resources = root.resources.iter();
        let of_places =
            of_resources.map(|(place, of)| (*place, self.metaschema_of(&of.dialect, &mut catalog)));
        let targets = MetaTargets { top: root.top, of_places: of_places.collect(), places };
        Evaluator::new(&catalog, Some(&targets)).explain(own, Some(own), document)
    }

    /// The draft's own metaschema, or one made of those of the vocabularies.
    fn metaschema_of(&self, dialect: &Dialect, catalog: &mut Catalog<'_, 'static>) -> SchemaId {
        let Some(vocabularies) = &dialect.vocabularies else { return self.of_drafts[&dialect.draft] };
        let all_of = vocabularies.iter().filter_map(|name| self.of_vocabularies.get(&(dialect.draft, *name)));
        let all_of = all_of.copied().collect();
        catalog.add(|own| Schema::of_all(own, dialect.draft, all_of))
    }
}
