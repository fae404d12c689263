//! The documents that schemas are found in, and what within them has an id or an anchor.

use std::collections::{BTreeMap, HashMap, HashSet};

use belay_gotemplate::Url;

use super::address::{Address, encode, escape, split, split_fragment, unescape};
use super::document::{Document, Object};
use super::draft::{Dialect, Draft, Position};
use super::fault::Fault;
use super::metaschemas::{self, Metaschemas};
use super::places::{PlaceId, Places};

type Result<T> = std::result::Result<T, Fault>;

/// Where Helm says that a chart's schema is.
pub(super) const FILE: &str = "file:///values.schema.json";

/// A schema with an id of its own, or a document's top.
#[derive(Clone)]
pub(super) struct Resource {
    /// The URL that references within it begin at.
    pub(super) id: String,
    pub(super) dialect: Dialect,
    pub(super) anchors: BTreeMap<String, PlaceId>,
    pub(super) dynamic_anchors: Vec<String>,
}

/// A document.
pub(super) struct Root {
    pub(super) url: String,
    pub(super) top: PlaceId,
    /// By their places.
    pub(super) resources: BTreeMap<PlaceId, Resource>,
    /// Whose ids and anchors are known.
    collected: HashSet<PlaceId>,
}

/// What a reference leads to.
pub(super) enum Target {
    Place(PlaceId),
    /// Nowhere; that is a fault only once the schema would be used.
    Nowhere(Fault),
}

/// Documents and what is in them.
pub(super) struct Library<'d> {
    pub(super) places: Places<'d>,
    pub(super) roots: Vec<Root>,
    by_url: HashMap<String, usize>,
    /// The chart's schema.
    file: Option<&'d Document>,
    /// What schemas are checked against; nothing while the metaschemas themselves are compiled.
    metaschemas: Option<&'static Metaschemas>,
}

impl<'d> Library<'d> {
    pub(super) fn new(file: Option<&'d Document>, metaschemas: Option<&'static Metaschemas>) -> Self {
        Self { places: Places::default(), roots: Vec::new(), by_url: HashMap::new(), file, metaschemas }
    }

    /// The document's place among the others.
    pub(super) fn open(&mut self, url: &str) -> Result<usize> {
        if let Some(known) = self.by_url.get(url) {
            return Ok(*known);
        }
        let document = self.load(url)?;
        let root = self.roots.len();
        let top = self.places.add_root(root, document);
        let (resources, collected) = (BTreeMap::new(), HashSet::new());
        self.roots.push(Root { url: url.to_owned(), top, resources, collected });
        self.collect(top, url, &Dialect::of(Draft::LATEST))?;
        if !is_of_json_schema(url) {
            self.check(top)?;
        }
        self.by_url.insert(url.to_owned(), root);
        Ok(root)
    }

    /// Where the place is, as errors tell it.
    pub(super) fn url_of(&self, place: PlaceId) -> String {
        let root = &self.roots[self.places.document(place)];
        format!("{}#{}", root.url, encode(&self.places.pointer(place)))
    }

    fn load(&self, url: &str) -> Result<&'d Document> {
        if let Some(file) = self.file.filter(|_| url == FILE) {
            return Ok(file);
        }
        if let Some(metaschema) = metaschemas::document(url)? {
            return Ok(metaschema);
        }
        let fault = |reason| Fault::Loading { url: url.to_owned(), reason };
        let parsed = Url::parse(url.as_bytes()).map_err(fault)?;
        match parsed.scheme() {
            // Helm knows none of these either, and lets them allow everything.
            b"urn" => Ok(metaschemas::anything()),
            b"file" | b"http" | b"https" => {
                Err(fault("references to other documents are not supported".to_owned()))
            }
            _ => {
                let shown = belay_gotemplate::go_quote(&parsed.text());
                Err(fault(format!("no URLLoader registered for {shown}")))
            }
        }
    }

    /// The resource that the place belongs to, and where that is.
    pub(super) fn resource(&self, place: PlaceId) -> (PlaceId, &Resource) {
        let root = &self.roots[self.places.document(place)];
        let mut at = place;
        loop {
            match (root.resources.get(&at), self.places.parent(at)) {
                (Some(resource), _) => return (at, resource),
                (None, Some(parent)) => at = parent,
                (None, None) => unreachable!("a document's top is a resource from the start"),
            }
        }
    }

    fn root_mut(&mut self, place: PlaceId) -> &mut Root {
        &mut self.roots[self.places.document(place)]
    }

    /// Finds the ids and anchors of a schema and those within it.
    fn collect(&mut self, place: PlaceId, base: &str, fallback: &Dialect) -> Result<()> {
        if self.root_mut(place).collected.contains(&place) {
            return Ok(());
        }
        match self.places.value(place) {
            Document::Object(schema) => self.collect_schema(place, schema, base, fallback)?,
            _ if self.places.parent(place).is_none() => {
                self.add_resource(place, base, fallback.clone());
            }
            _ => {}
        }
        self.root_mut(place).collected.insert(place);
        Ok(())
    }

    fn add_resource(&mut self, place: PlaceId, id: &str, dialect: Dialect) {
        let (anchors, dynamic_anchors) = (BTreeMap::new(), Vec::new());
        let resource = Resource { id: id.to_owned(), dialect, anchors, dynamic_anchors };
        self.root_mut(place).resources.insert(place, resource);
    }

    fn collect_schema(
        &mut self,
        place: PlaceId,
        schema: &'d Object,
        base: &str,
        fallback: &Dialect,
    ) -> Result<()> {
        let is_top = self.places.parent(place).is_none();
        let mut draft = self.draft_of(place, schema, fallback.draft)?;
        let mut id = draft.id(schema);
        let mut names_its_draft = schema.get("$schema").is_some_and(|name| name.as_str().is_some());
        if id.is_empty() && !is_top {
            // Only what has an id may have a draft of its own.
            draft = fallback.draft;
            names_its_draft = false;
            id = draft.id(schema);
        }
        let mut base = base.to_owned();
        if !id.is_empty() {
            base = Address::join(&base, id).map_err(|_| Fault::Id(self.url_of(place)))?.url;
        }
        if (!id.is_empty() || is_top) && !self.has_resource(place, &base)? {
            let dialect = match names_its_draft {
                true => Dialect { draft, vocabularies: self.vocabularies_of(schema, draft)? },
                false => fallback.clone(),
            };
            self.add_resource(place, &base, dialect);
        }
        self.collect_below(place, schema, &base, draft)
    }

    fn collect_below(&mut self, place: PlaceId, schema: &'d Object, base: &str, draft: Draft) -> Result<()> {
        let (owner, dialect) = match self.resource_named(place, base) {
            Some((owner, resource)) => (owner, resource.dialect.clone()),
            None => unreachable!("a base is the id of a resource that was added before"),
        };
        self.collect_anchors(place, schema, owner)?;
        for subschema in self.subschemas(place, schema, draft) {
            self.collect(subschema, base, &dialect)?;
        }
        Ok(())
    }

    /// Whether that resource is known already.
    fn has_resource(&self, place: PlaceId, id: &str) -> Result<bool> {
        let Some((known, _)) = self.resource_named(place, id) else { return Ok(false) };
        if known == place {
            return Ok(true);
        }
        let url = self.roots[self.places.document(place)].url.clone();
        let (first, second) = (self.places.pointer(place), self.places.pointer(known));
        Err(Fault::DuplicateId { id: id.to_owned(), url, first, second })
    }

    /// The resource of that id in the same document.
    fn resource_named(&self, place: PlaceId, id: &str) -> Option<(PlaceId, &Resource)> {
        let resources = &self.roots[self.places.document(place)].resources;
        resources.iter().find(|(_, resource)| resource.id == id).map(|(place, resource)| (*place, resource))
    }

    fn subschemas(&mut self, place: PlaceId, schema: &'d Object, draft: Draft) -> Vec<PlaceId> {
        let mut found = Vec::new();
        for position in draft.subschemas() {
            let (Position::Itself(keyword) | Position::Values(keyword) | Position::Items(keyword)) = position;
            let Some(value) = schema.get(keyword) else { continue };
            let Some(holder) = self.places.child(place, keyword) else { continue };
            match (position, value) {
                (Position::Itself(_), _) => found.push(holder),
                (Position::Values(_), Document::Object(entries)) => {
                    found.extend(entries.keys().filter_map(|name| self.places.child(holder, name)));
                }
                (Position::Items(_), Document::Array(items)) => {
                    let indexes = 0..items.len();
                    found.extend(indexes.filter_map(|index| self.places.child(holder, &index.to_string())));
                }
                _ => {}
            }
        }
        found
    }

    fn draft_of(&self, place: PlaceId, schema: &Object, fallback: Draft) -> Result<Draft> {
        let root = &self.roots[self.places.document(place)];
        let is_top = place == root.top;
        let mut seen: Vec<&str> = Vec::new();
        let mut named = schema.get("$schema").and_then(Document::as_str);
        // The document that the name was found in, where it is not the one of the place.
        let mut within: Option<&str> = None;
        while let Some(name) = named {
            if let Some(draft) = Draft::named(name) {
                return Ok(draft);
            }
            let (url, _) = split(name);
            if let Err(reason) = Url::parse(url.as_bytes()) {
                let at = within.map_or_else(|| self.url_of(place), |within| format!("{within}#"));
                return Err(Fault::InvalidMetaschemaUrl { at, reason });
            }
            if within.map_or(is_top && url == root.url, |within| url == within) {
                return Err(Fault::UnsupportedDraft(url.to_owned()));
            }
            if seen.contains(&url) {
                return Err(Fault::MetaschemaCycle(url.to_owned()));
            }
            seen.push(url);
            within = Some(url);
            let metaschema = self.load(url)?;
            named = metaschema
                .as_object()
                .and_then(|keywords| keywords.get("$schema"))
                .and_then(Document::as_str);
        }
        Ok(fallback)
    }

    fn vocabularies_of(&self, schema: &Object, draft: Draft) -> Result<Option<Vec<&'static str>>> {
        let name = schema.get("$schema").and_then(Document::as_str).unwrap_or_default();
        if Draft::named(name).is_some() {
            return Ok(None);
        }
        let url = split(name).0;
        let found = draft.demanded_vocabularies(self.load(url)?);
        found.map_err(|vocabulary| Fault::UnsupportedVocabulary { url: url.to_owned(), vocabulary })
    }

    fn collect_anchors(&mut self, place: PlaceId, schema: &Object, owner: PlaceId) -> Result<()> {
        let draft = match self.roots[self.places.document(place)].resources.get(&owner) {
            Some(resource) => resource.dialect.draft,
            None => return Ok(()),
        };
        let text = |keyword: &str| schema.get(keyword).and_then(Document::as_str);
        if draft < Draft::Draft2019 {
            if schema.contains_key("$ref") {
                return Ok(());
            }
            let id = text(draft.id_keyword()).unwrap_or_default();
            let (_, fragment) = split_fragment(id).map_err(|_| Fault::Anchor(self.url_of(place)))?;
            if !fragment.is_empty() && !fragment.starts_with('/') {
                self.add_anchor(place, owner, &fragment)?;
            }
            return Ok(());
        }
        if let Some(anchor) = text("$anchor") {
            self.add_anchor(place, owner, anchor)?;
        }
        if let Some(anchor) = text("$dynamicAnchor").filter(|_| draft >= Draft::Draft2020) {
            self.add_anchor(place, owner, anchor)?;
            let resource = self.root_mut(place).resources.get_mut(&owner);
            resource.into_iter().for_each(|resource| resource.dynamic_anchors.push(anchor.to_owned()));
        }
        Ok(())
    }

    fn add_anchor(&mut self, place: PlaceId, owner: PlaceId, anchor: &str) -> Result<()> {
        let Some(resource) = self.root_mut(place).resources.get_mut(&owner) else { return Ok(()) };
        let known = *resource.anchors.entry(anchor.to_owned()).or_insert(place);
        if known == place {
            return Ok(());
        }
        let url = self.roots[self.places.document(place)].url.clone();
        let (first, second) = (self.places.pointer(known), self.places.pointer(place));
        Err(Fault::DuplicateAnchor { anchor: anchor.to_owned(), url, first, second })
    }

    /// What a reference in the schema at the place leads to.
    pub(super) fn follow(&mut self, place: PlaceId, reference: &str) -> Result<Target> {
        let root = self.places.document(place);
        let address = Address::join(&self.resource(place).1.id, reference)?;
        let local = match address.url == self.roots[root].url {
            true => Some(self.roots[root].top),
            false => self.resource_named(place, &address.url).map(|(place, _)| place),
        };
        match local {
            Some(resource) => self.find(resource, &address.fragment),
            None => {
                let root = self.open(&address.url)?;
                self.find(self.roots[root].top, &address.fragment)
            }
        }
    }

    /// What a fragment means within a resource.
    pub(super) fn find(&mut self, resource: PlaceId, fragment: &str) -> Result<Target> {
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(self.walk(resource, fragment));
        }
        let root = &self.roots[self.places.document(resource)];
        let Some(owner) = root.resources.get(&resource) else {
            unreachable!("fragments are looked for in resources only");
        };
        if let Some(place) = owner.anchors.get(fragment) {
            return Ok(Target::Place(*place));
        }
        let reference = Address { url: owner.id.clone(), fragment: fragment.to_owned() }.to_string();
        Err(Fault::AnchorNotFound { reference, url: root.url.clone() })
    }

    fn walk(&mut self, from: PlaceId, pointer: &str) -> Target {
        let mut place = from;
        for token in pointer.split('/').skip(1) {
            let fault = |whole| match unescape(token) {
                Some(_) => Fault::PointerNotFound(whole),
                None => Fault::InvalidPointer(whole),
            };
            let child = unescape(token).and_then(|name| self.places.child(place, &name));
            let Some(child) = child else {
                let url = &self.roots[self.places.document(from)].url;
                let whole = format!("{}{pointer}", self.places.pointer(from));
                return Target::Nowhere(fault(format!("{url}#{}", encode(&whole))));
            };
            place = child;
        }
        Target::Place(place)
    }

    /// Makes sure that what is at the place is a schema: a pointer may lead anywhere.
    pub(super) fn ensure_schema(&mut self, place: PlaceId) -> Result<()> {
        if self.root_mut(place).collected.contains(&place) {
            return Ok(());
        }
        let (_, owner) = self.resource(place);
        let (base, dialect) = (owner.id.clone(), owner.dialect.clone());
        self.collect(place, &base, &dialect)?;
        if let Document::Object(schema) = self.places.value(place)
            && !self.root_mut(place).resources.contains_key(&place)
        {
            let (owner, _) = self.resource(place);
            self.collect_anchors(place, schema, owner)?;
        }
        self.check(place)
    }

    /// Whether the metaschema allows what is at the place.
    fn check(&self, place: PlaceId) -> Result<()> {
        let Some(metaschemas) = self.metaschemas else { return Ok(()) };
        let root = &self.roots[self.places.document(place)];
        let dialect = &self.resource(place).1.dialect;
        match metaschemas.check(self.places.value(place), dialect, root, &self.places)? {
            Some(details) => Err(Fault::Metaschema { url: self.url_of(place), details }),
            None => Ok(()),
        }
    }

    /// Where a keyword's value is, as errors tell it.
    pub(super) fn url_of_keyword(&self, place: PlaceId, keyword: &str) -> String {
        format!("{}/{}", self.url_of(place), encode(&escape(keyword)))
    }
}

/// What json-schema.org publishes needs no check.
fn is_of_json_schema(url: &str) -> bool {
    url.starts_with("http://json-schema.org/") || url.starts_with("https://json-schema.org/")
}
