//! Schemas made ready to be applied: references followed, expressions and numbers read.

use std::collections::{BTreeMap, HashMap};

use belay_gotemplate::Expression;

use super::address::{encode, split_fragment};
use super::document::{Document, Object};
use super::draft::{Dialect, Draft};
use super::fault::Fault;
use super::format::{self, Format};
use super::library::{Library, Target};
use super::metaschemas::Metaschemas;
use super::number::Number;
use super::places::{PlaceId, Places};
use super::types::Types;

type Result<T> = std::result::Result<T, Fault>;

/// A schema, by its place in the list of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SchemaId(pub(super) usize);

/// `additionalProperties` and `additionalItems`: a plain answer has words of its own.
#[derive(Debug)]
pub(super) enum Additional {
    Allowed(bool),
    Schema(SchemaId),
}

/// What must be there when a property is.
#[derive(Debug)]
pub(super) enum Dependency<'d> {
    Names(Vec<&'d str>),
    Schema(SchemaId),
}

/// `items` before 2020.
#[derive(Debug)]
pub(super) enum ItemSchemas {
    All(SchemaId),
    Each(Vec<SchemaId>),
}

/// One schema.
#[derive(Debug)]
pub(super) struct Schema<'d> {
    pub(super) place: Option<PlaceId>,
    pub(super) draft: Draft,
    /// The schema with an id that it belongs to; maybe itself.
    pub(super) resource: SchemaId,
    pub(super) dynamic_anchors: BTreeMap<String, SchemaId>,
    /// `true` or `false`, or an empty object.
    pub(super) plain: Option<bool>,
    pub(super) reference: Option<SchemaId>,
    pub(super) recursive_reference: Option<SchemaId>,
    pub(super) is_recursive_anchor: bool,
    /// With its anchor, which may be empty.
    pub(super) dynamic_reference: Option<(SchemaId, String)>,
    pub(super) dynamic_anchor: &'d str,
    pub(super) types: Types,
    pub(super) allowed: Option<&'d [Document]>,
    pub(super) constant: Option<&'d Document>,
    pub(super) format: Option<&'static Format>,
    pub(super) not: Option<SchemaId>,
    pub(super) all_of: Vec<SchemaId>,
    pub(super) any_of: Vec<SchemaId>,
    pub(super) one_of: Vec<SchemaId>,
    pub(super) condition: Option<SchemaId>,
    pub(super) consequence: Option<SchemaId>,
    pub(super) alternative: Option<SchemaId>,
    pub(super) min_properties: Option<i64>,
    pub(super) max_properties: Option<i64>,
    pub(super) required: Vec<&'d str>,
    pub(super) property_names: Option<SchemaId>,
    pub(super) properties: BTreeMap<&'d str, SchemaId>,
    pub(super) pattern_properties: Vec<(Expression, SchemaId)>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) dependencies: Vec<(&'d str, Dependency<'d>)>,
    pub(super) dependent_required: Vec<(&'d str, Vec<&'d str>)>,
    pub(super) dependent_schemas: BTreeMap<&'d str, SchemaId>,
    pub(super) unevaluated_properties: Option<SchemaId>,
    pub(super) min_items: Option<i64>,
    pub(super) max_items: Option<i64>,
    pub(super) has_unique_items: bool,
    pub(super) contains: Option<SchemaId>,
    pub(super) min_contains: Option<i64>,
    pub(super) max_contains: Option<i64>,
    pub(super) items: Option<ItemSchemas>,
    pub(super) additional_items: Option<Additional>,
    /// From 2020 on.
    pub(super) prefix_items: Vec<SchemaId>,
    pub(super) rest_of_items: Option<SchemaId>,
    pub(super) unevaluated_items: Option<SchemaId>,
    pub(super) min_length: Option<i64>,
    pub(super) max_length: Option<i64>,
    pub(super) pattern: Option<(&'d str, Expression)>,
    pub(super) minimum: Option<&'d Number>,
    pub(super) maximum: Option<&'d Number>,
    pub(super) exclusive_minimum: Option<&'d Number>,
    pub(super) exclusive_maximum: Option<&'d Number>,
    pub(super) multiple_of: Option<&'d Number>,
}

impl Schema<'_> {
    fn new(place: Option<PlaceId>, draft: Draft, resource: SchemaId) -> Self {
        Self {
            place,
            draft,
            resource,
            dynamic_anchors: BTreeMap::new(),
            plain: None,
            reference: None,
            recursive_reference: None,
            is_recursive_anchor: false,
            dynamic_reference: None,
            dynamic_anchor: "",
            types: Types::default(),
            allowed: None,
            constant: None,
            format: None,
            not: None,
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
            condition: None,
            consequence: None,
            alternative: None,
            min_properties: None,
            max_properties: None,
            required: Vec::new(),
            property_names: None,
            properties: BTreeMap::new(),
            pattern_properties: Vec::new(),
            additional_properties: None,
            dependencies: Vec::new(),
            dependent_required: Vec::new(),
            dependent_schemas: BTreeMap::new(),
            unevaluated_properties: None,
            min_items: None,
            max_items: None,
            has_unique_items: false,
            contains: None,
            min_contains: None,
            max_contains: None,
            items: None,
            additional_items: None,
            prefix_items: Vec::new(),
            rest_of_items: None,
            unevaluated_items: None,
            min_length: None,
            max_length: None,
            pattern: None,
            minimum: None,
            maximum: None,
            exclusive_minimum: None,
            exclusive_maximum: None,
            multiple_of: None,
        }
    }

    /// A metaschema made of vocabularies; `own` is its id.
    pub(super) fn of_all(own: SchemaId, draft: Draft, all_of: Vec<SchemaId>) -> Self {
        let mut schema = Self::new(None, draft, own);
        schema.all_of = all_of;
        if draft >= Draft::Draft2020 {
            schema.dynamic_anchor = "meta";
            schema.dynamic_anchors.insert("meta".to_owned(), own);
        }
        schema
    }

    /// Whether no property is left for `unevaluatedProperties`.
    pub(super) fn covers_all_properties(&self) -> bool {
        self.additional_properties.is_some()
    }

    /// How many items are not left for `unevaluatedItems`; `None` is all.
    pub(super) fn covered_items(&self) -> Option<usize> {
        if self.draft >= Draft::Draft2020 {
            return self.rest_of_items.is_none().then_some(self.prefix_items.len());
        }
        match &self.items {
            _ if self.additional_items.is_some() => None,
            Some(ItemSchemas::All(_)) => None,
            Some(ItemSchemas::Each(schemas)) => Some(schemas.len()),
            None => Some(0),
        }
    }
}

/// All schemas that belong together.
pub(super) struct Schemas<'d> {
    pub(super) all: Vec<Schema<'d>>,
    places: Places<'d>,
    urls: Vec<String>,
}

impl Schemas<'_> {
    /// Where the schema was found.
    pub(super) fn location(&self, schema: &Schema<'_>) -> String {
        match schema.place {
            Some(place) => {
                format!("{}#{}", self.urls[self.places.document(place)], encode(&self.places.pointer(place)))
            }
            None => "urn:mem:metaschema".to_owned(),
        }
    }
}

/// Compiles schemas and what they refer to.
pub(super) struct Compiler<'d> {
    library: Library<'d>,
    /// Where the schemas are, in the order in which they were asked for; the first ones are compiled.
    queue: Vec<Target>,
    ids: HashMap<PlaceId, SchemaId>,
    compiled: Vec<Schema<'d>>,
    /// Formats are demands in the metaschemas of all drafts.
    asserts_formats: bool,
}

impl<'d> Compiler<'d> {
    /// A compiler for the chart's schema, or without one for the metaschemas.
    pub(super) fn new(file: Option<&'d Document>, metaschemas: Option<&'static Metaschemas>) -> Self {
        Self {
            library: Library::new(file, metaschemas),
            queue: Vec::new(),
            ids: HashMap::new(),
            compiled: Vec::new(),
            asserts_formats: metaschemas.is_none(),
        }
    }

    /// Compiles what is at the URL.
    pub(super) fn compile(&mut self, url: &str) -> Result<SchemaId> {
        let root = self.library.open(url)?;
        let id = self.enqueue(self.library.roots[root].top);
        while let Some(next) = self.queue.get(self.compiled.len()) {
            let place = match next {
                Target::Place(place) => *place,
                Target::Nowhere(fault) => return Err(fault.clone()),
            };
            self.library.ensure_schema(place)?;
            let schema = self.schema_at(place)?;
            self.compiled.push(schema);
        }
        Ok(id)
    }

    pub(super) fn finish(self) -> Schemas<'d> {
        let urls = self.library.roots.into_iter().map(|root| root.url).collect();
        Schemas { all: self.compiled, places: self.library.places, urls }
    }

    fn enqueue(&mut self, place: PlaceId) -> SchemaId {
        let next = SchemaId(self.queue.len());
        let id = *self.ids.entry(place).or_insert(next);
        if id == next {
            self.queue.push(Target::Place(place));
        }
        id
    }

    fn schema_at(&mut self, place: PlaceId) -> Result<Schema<'d>> {
        let (owner, resource) = self.library.resource(place);
        let dialect = resource.dialect.clone();
        let dynamic = resource.dynamic_anchors.iter();
        let anchors: BTreeMap<String, PlaceId> =
            dynamic.filter_map(|name| Some((name.clone(), *resource.anchors.get(name)?))).collect();
        let mut schema = Schema::new(Some(place), dialect.draft, self.enqueue(owner));
        if dialect.draft >= Draft::Draft2020 && owner == place {
            schema.dynamic_anchors =
                anchors.into_iter().map(|(name, place)| (name, self.enqueue(place))).collect();
        }
        match self.library.places.value(place) {
            Document::Bool(plain) => schema.plain = Some(*plain),
            Document::Object(keywords) if keywords.is_empty() => schema.plain = Some(true),
            Document::Object(keywords) => {
                SchemaCompiler { compiler: self, place, keywords, dialect: &dialect }.compile(&mut schema)?;
            }
            _ => {}
        }
        Ok(schema)
    }
}

/// Compiles one schema.
struct SchemaCompiler<'c, 'd> {
    compiler: &'c mut Compiler<'d>,
    place: PlaceId,
    keywords: &'d Object,
    dialect: &'c Dialect,
}

impl<'d> SchemaCompiler<'_, 'd> {
    /// The order of the keywords decides which fault is found first.
    fn compile(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        schema.reference = self.reference("$ref")?;
        if schema.reference.is_none() || schema.draft >= Draft::Draft2019 {
            self.compile_draft_4(schema)?;
        }
        if schema.draft >= Draft::Draft6 {
            self.compile_draft_6(schema);
        }
        if schema.draft >= Draft::Draft7 && self.dialect.has("applicator") {
            self.compile_condition(schema);
        }
        if schema.draft >= Draft::Draft2019 {
            self.compile_draft_2019(schema)?;
        }
        if schema.draft >= Draft::Draft2020 {
            self.compile_draft_2020(schema)?;
        }
        Ok(())
    }

    fn compile_draft_4(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        if self.dialect.has("applicator") {
            self.compile_combined(schema);
            self.compile_items(schema);
            self.compile_properties(schema)?;
        }
        if self.dialect.has("validation") {
            self.compile_assertions(schema)?;
        }
        if self.compiler.asserts_formats || self.dialect.asserts_formats() {
            schema.format = self.text("format").and_then(format::named);
        }
        Ok(())
    }

    fn compile_combined(&mut self, schema: &mut Schema<'d>) {
        schema.all_of = self.subschemas_in("allOf").unwrap_or_default();
        schema.any_of = self.subschemas_in("anyOf").unwrap_or_default();
        schema.one_of = self.subschemas_in("oneOf").unwrap_or_default();
        schema.not = self.subschema("not");
    }

    fn compile_items(&mut self, schema: &mut Schema<'d>) {
        if schema.draft >= Draft::Draft2020 {
            return;
        }
        schema.items = match self.subschemas_in("items") {
            Some(schemas) => {
                schema.additional_items = self.additional("additionalItems");
                Some(ItemSchemas::Each(schemas))
            }
            None => self.subschema("items").map(ItemSchemas::All),
        };
    }

    fn compile_properties(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        schema.properties = self.subschemas_of("properties");
        for (pattern, subschema) in self.subschemas_of("patternProperties") {
            schema.pattern_properties.push((self.expression("patternProperties", pattern)?, subschema));
        }
        schema.additional_properties = self.additional("additionalProperties");
        for (name, value) in
            self.keywords.get("dependencies").and_then(Document::as_object).into_iter().flatten()
        {
            let dependency = match value {
                Document::Array(names) => Some(Dependency::Names(texts(names))),
                _ => self.subschema_below("dependencies", name).map(Dependency::Schema),
            };
            schema.dependencies.extend(dependency.map(|dependency| (name.as_str(), dependency)));
        }
        Ok(())
    }

    fn compile_assertions(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        schema.types = self.keywords.get("type").map(Types::wanted).unwrap_or_default();
        schema.allowed = self.keywords.get("enum").and_then(Document::as_array);
        schema.multiple_of = self.number("multipleOf");
        (schema.maximum, schema.exclusive_maximum) = self.limits("maximum", "exclusiveMaximum");
        (schema.minimum, schema.exclusive_minimum) = self.limits("minimum", "exclusiveMinimum");
        schema.min_length = self.size("minLength");
        schema.max_length = self.size("maxLength");
        if let Some(pattern) = self.text("pattern") {
            schema.pattern = Some((pattern, self.expression("pattern", pattern)?));
        }
        schema.min_items = self.size("minItems");
        schema.max_items = self.size("maxItems");
        schema.has_unique_items = self.is_set("uniqueItems");
        schema.max_properties = self.size("maxProperties");
        schema.min_properties = self.size("minProperties");
        schema.required =
            self.keywords.get("required").and_then(Document::as_array).map(texts).unwrap_or_default();
        Ok(())
    }

    fn compile_draft_6(&mut self, schema: &mut Schema<'d>) {
        if self.dialect.has("applicator") {
            schema.contains = self.subschema("contains");
            schema.property_names = self.subschema("propertyNames");
        }
        if self.dialect.has("validation") {
            schema.constant = self.keywords.get("const");
        }
    }

    fn compile_condition(&mut self, schema: &mut Schema<'d>) {
        schema.condition = self.subschema("if");
        if schema.condition.is_none() {
            return;
        }
        let plain = self.keywords.get("if").and_then(Document::as_bool);
        if plain != Some(false) {
            schema.consequence = self.subschema("then");
        }
        if plain != Some(true) {
            schema.alternative = self.subschema("else");
        }
    }

    fn compile_draft_2019(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        schema.recursive_reference = self.reference("$recursiveRef")?;
        schema.is_recursive_anchor = self.is_set("$recursiveAnchor");
        if self.dialect.has("validation") {
            if schema.contains.is_some() {
                schema.min_contains = self.size("minContains");
                schema.max_contains = self.size("maxContains");
            }
            let dependent = self.keywords.get("dependentRequired").and_then(Document::as_object);
            let names =
                |(name, names): (&'d String, &'d Document)| Some((name.as_str(), texts(names.as_array()?)));
            schema.dependent_required = dependent.into_iter().flatten().filter_map(names).collect();
        }
        if self.dialect.has("applicator") {
            schema.dependent_schemas = self.subschemas_of("dependentSchemas");
        }
        let vocabulary = if schema.draft == Draft::Draft2019 { "applicator" } else { "unevaluated" };
        if self.dialect.has(vocabulary) {
            schema.unevaluated_items = self.subschema("unevaluatedItems");
            schema.unevaluated_properties = self.subschema("unevaluatedProperties");
        }
        Ok(())
    }

    fn compile_draft_2020(&mut self, schema: &mut Schema<'d>) -> Result<()> {
        if let Some(target) = self.reference("$dynamicRef")? {
            let (_, fragment) = split_fragment(self.text("$dynamicRef").unwrap_or_default())?;
            let anchor = if fragment.starts_with('/') { String::new() } else { fragment };
            schema.dynamic_reference = Some((target, anchor));
        }
        schema.dynamic_anchor = self.text("$dynamicAnchor").unwrap_or_default();
        if self.dialect.has("applicator") {
            schema.prefix_items = self.subschemas_in("prefixItems").unwrap_or_default();
            schema.rest_of_items = self.subschema("items");
        }
        Ok(())
    }

    fn reference(&mut self, keyword: &str) -> Result<Option<SchemaId>> {
        let Some(reference) = self.text(keyword) else { return Ok(None) };
        Ok(Some(match self.compiler.library.follow(self.place, reference)? {
            Target::Place(place) => self.compiler.enqueue(place),
            nowhere @ Target::Nowhere(_) => {
                self.compiler.queue.push(nowhere);
                SchemaId(self.compiler.queue.len() - 1)
            }
        }))
    }

    fn child(&mut self, keyword: &str) -> Option<PlaceId> {
        self.compiler.library.places.child(self.place, keyword)
    }

    fn subschema(&mut self, keyword: &str) -> Option<SchemaId> {
        let place = self.child(keyword)?;
        Some(self.compiler.enqueue(place))
    }

    fn subschema_below(&mut self, keyword: &str, token: &str) -> Option<SchemaId> {
        let holder = self.child(keyword)?;
        let place = self.compiler.library.places.child(holder, token)?;
        Some(self.compiler.enqueue(place))
    }

    /// The schemas of a list.
    fn subschemas_in(&mut self, keyword: &str) -> Option<Vec<SchemaId>> {
        let items = self.keywords.get(keyword)?.as_array()?;
        let indexes = 0..items.len();
        Some(indexes.filter_map(|index| self.subschema_below(keyword, &index.to_string())).collect())
    }

    /// The schemas of an object.
    fn subschemas_of(&mut self, keyword: &str) -> BTreeMap<&'d str, SchemaId> {
        let entries = self.keywords.get(keyword).and_then(Document::as_object);
        let names = entries.into_iter().flat_map(|entries| entries.keys());
        names.filter_map(|name| Some((name.as_str(), self.subschema_below(keyword, name)?))).collect()
    }

    fn additional(&mut self, keyword: &str) -> Option<Additional> {
        match self.keywords.get(keyword)? {
            Document::Bool(is_allowed) => Some(Additional::Allowed(*is_allowed)),
            _ => self.subschema(keyword).map(Additional::Schema),
        }
    }

    fn expression(&self, keyword: &str, pattern: &str) -> Result<Expression> {
        Expression::compile(pattern).map_err(|reason| {
            let at = self.compiler.library.url_of_keyword(self.place, keyword);
            Fault::Pattern { pattern: pattern.to_owned(), at, reason }
        })
    }

    /// In draft 4 the exclusive keywords are flags beside the plain ones.
    fn limits(&self, plain: &str, exclusive: &str) -> (Option<&'d Number>, Option<&'d Number>) {
        match self.is_set(exclusive) {
            true => (None, self.number(plain)),
            false => (self.number(plain), self.number(exclusive)),
        }
    }

    fn text(&self, keyword: &str) -> Option<&'d str> {
        self.keywords.get(keyword)?.as_str()
    }

    fn is_set(&self, keyword: &str) -> bool {
        self.keywords.get(keyword).and_then(Document::as_bool) == Some(true)
    }

    fn number(&self, keyword: &str) -> Option<&'d Number> {
        self.keywords.get(keyword)?.as_number().filter(|number| number.decimal().is_some())
    }

    fn size(&self, keyword: &str) -> Option<i64> {
        self.keywords.get(keyword)?.as_number()?.size()
    }
}

fn texts(items: &[Document]) -> Vec<&str> {
    items.iter().filter_map(Document::as_str).collect()
}
