//! Templates that can call each other, and the functions they see.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cache::ParseCache;
use crate::error::Error;
use crate::exec::Run;
use crate::function::Functions;
use crate::options::Options;
use crate::parse::tree::Template;
use crate::parse::{Delimiters, Parsed, parse, parse_broken};
use crate::provenance::Provenance;
use crate::value::Value;

/// Templates by name, with their functions. A clone is cheap: what was there is shared, and what is
/// added to the clone stays in the clone.
#[derive(Clone)]
pub struct TemplateSet {
    name: Arc<str>,
    layer: Arc<Layer>,
    functions: Arc<Functions>,
    delimiters: Delimiters,
    cache: Arc<ParseCache>,
}

/// Templates added to a set, over those it was cloned with.
#[derive(Clone, Default)]
struct Layer {
    own: HashMap<Arc<str>, Arc<Template>>,
    below: Option<Arc<Layer>>,
    height: usize,
}

/// Lookups walk the layers; more than this are merged into one.
const MAX_LAYERS: usize = 8;

impl TemplateSet {
    /// An empty set; `name` appears in the error about a template that is not there.
    pub fn new(name: &str, functions: Arc<Functions>) -> Self {
        Self {
            name: name.into(),
            layer: Arc::default(),
            functions,
            delimiters: Delimiters::default(),
            cache: Arc::default(),
        }
    }

    /// The same with other delimiters for what is parsed later.
    #[must_use]
    pub fn with_delimiters(mut self, delimiters: Delimiters) -> Self {
        self.delimiters = delimiters;
        self
    }

    /// The same with a cache that other sets use too.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<ParseCache>) -> Self {
        self.cache = cache;
        self
    }

    /// The functions.
    pub fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// Replaces the functions, and starts a new cache.
    pub fn set_functions(&mut self, functions: Arc<Functions>) {
        self.functions = functions;
        self.cache = Arc::default();
    }

    /// Parses a text and adds what it defines. See [`TemplateSet::add`].
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let parsed = self.parse_only(name, text)?;
        self.add(&parsed);
        Ok(())
    }

    /// The same for a text that may not be UTF-8: Go reads bytes.
    pub fn parse_bytes(&mut self, name: &str, text: &[u8]) -> Result<(), Error> {
        let parsed = self.parse_only_bytes(name, text)?;
        self.add(&parsed);
        Ok(())
    }

    /// [`TemplateSet::parse_only`] for a text that may not be UTF-8.
    pub fn parse_only_bytes(&self, name: &str, text: &[u8]) -> Result<Parsed, Error> {
        match std::str::from_utf8(text) {
            Ok(text) => self.parse_only(name, text),
            Err(_) => parse_broken(name, text, &self.delimiters, &|name| self.is_function(name)),
        }
    }

    /// Parses a text as this set would, without adding it; a text that its cache knows is not parsed again.
    pub fn parse_only(&self, name: &str, text: &str) -> Result<Parsed, Error> {
        self.cache.get_or_parse(name, text, &self.delimiters, || {
            parse(name, text, &self.delimiters, &|name| self.is_function(name))
        })
    }

    /// Adds a parsed file. A template replaces an earlier one of its name, unless it is empty.
    pub fn add(&mut self, parsed: &Parsed) {
        for template in parsed.templates.iter() {
            if template.root.is_empty() && self.contains(&template.name) {
                continue;
            }
            self.own_layer().insert(template.name.clone(), template.clone());
        }
    }

    /// Whether there is a template of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.lookup(name).is_some()
    }

    /// The names of all templates, sorted.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.layer.flat().into_keys().collect();
        names.sort();
        names
    }

    /// Executes a template; output that is not UTF-8 is an error.
    pub fn execute(&self, name: &str, data: Value, options: &Options) -> Result<String, Error> {
        let output = self.execute_bytes(name, data, options)?;
        String::from_utf8(output).map_err(|_| Error::NotText { name: name.to_owned() })
    }

    /// Executes a template; the output is whatever bytes its strings have.
    pub fn execute_bytes(&self, name: &str, data: Value, options: &Options) -> Result<Vec<u8>, Error> {
        Run::new(self.clone(), options.clone()).execute(name, data)
    }

    /// Executes a template, and tells where the output came from. It takes about twice the time.
    pub fn execute_traced(
        &self,
        name: &str,
        data: Value,
        options: &Options,
    ) -> Result<(Vec<u8>, Provenance), Error> {
        Run::new(self.clone(), options.clone()).execute_traced(name, data)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn lookup(&self, name: &str) -> Option<&Arc<Template>> {
        let mut layer = &self.layer;
        loop {
            if let Some(template) = layer.own.get(name) {
                return Some(template);
            }
            layer = layer.below.as_ref()?;
        }
    }

    fn is_function(&self, name: &str) -> bool {
        self.functions.get(name).is_some() || crate::builtin::is_builtin(name)
    }

    /// The topmost layer's templates, a new layer if it is shared.
    fn own_layer(&mut self) -> &mut HashMap<Arc<str>, Arc<Template>> {
        if Arc::get_mut(&mut self.layer).is_none() {
            let height = self.layer.height + 1;
            self.layer = Arc::new(if height > MAX_LAYERS {
                Layer { own: self.layer.flat(), ..Layer::default() }
            } else {
                Layer { own: HashMap::new(), below: Some(self.layer.clone()), height }
            });
        }
        &mut Arc::make_mut(&mut self.layer).own
    }
}

impl Layer {
    fn flat(&self) -> HashMap<Arc<str>, Arc<Template>> {
        let mut all = self.below.as_ref().map_or_else(HashMap::new, |below| below.flat());
        all.extend(self.own.iter().map(|(name, template)| (name.clone(), template.clone())));
        all
    }
}
