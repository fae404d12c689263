//! Whether a document fits a schema, and if not, why.
//!
//! The order of the keywords, where a keyword ends the search, and the wording are those of
//! santhosh-tekuri/jsonschema v6, which Helm uses. Properties are looked at in the order of their names, where that
//! library's order is random.

mod arrays;
mod objects;
mod scope;
mod unevaluated;
mod whole;

use std::collections::HashMap;

use self::scope::Scope;
use self::unevaluated::Unevaluated;
use super::compile::{Schema, SchemaId, Schemas};
use super::document::Document;
use super::draft::Draft;
use super::places::{PlaceId, Places};
use super::reason::{Location, Reason, Token};
use super::words::{float, grouped, grouped_size, quoted};

/// Schemas within schemas and values within values, for each level that a schema may nest; a stranger's schema may have
/// no end.
const APPLIED_PER_LEVEL: usize = 10;
/// Schemas applied to values.
const MAX_STEPS: usize = 50_000_000;
/// What reasons may take of the memory.
const MAX_BYTES: usize = 256 << 20;

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// Helm's library panics, and Helm says so.
    #[error("unable to validate schema: {0}")]
    Panic(&'static str),
    /// Applying the schema has no end, or one that is too deep.
    #[error("unable to validate schema: it is applied more than {0} deep")]
    Depth(usize),
    /// Applying the schema takes too long.
    #[error("unable to validate schema: it is applied more than {MAX_STEPS} times")]
    Steps,
    /// There is more to say than anybody would read.
    #[error("unable to validate schema: the reasons take more than {MAX_BYTES} bytes")]
    Bytes,
    /// A number that takes too long to divide by.
    #[error("unable to validate schema: a number is too long")]
    LongNumber,
}

/// Where Go's library reads a number that it does not hold.
const NO_NUMBER: Stop = Stop::Panic("runtime error: invalid memory address or nil pointer dereference");

/// The schemas to choose from.
pub(super) struct Catalog<'s, 'd> {
    compiled: &'s Schemas<'d>,
    added: Vec<Schema<'d>>,
}

impl<'s, 'd> Catalog<'s, 'd> {
    pub(super) fn new(compiled: &'s Schemas<'d>) -> Self {
        Self { compiled, added: Vec::new() }
    }

    /// Adds a schema that is made with its own id.
    pub(super) fn add(&mut self, make: impl FnOnce(SchemaId) -> Schema<'d>) -> SchemaId {
        let id = SchemaId(self.compiled.all.len() + self.added.len());
        self.added.push(make(id));
        id
    }

    fn get(&self, id: SchemaId) -> &Schema<'d> {
        let all = &self.compiled.all;
        all.get(id.0).unwrap_or_else(|| &self.added[id.0 - all.len()])
    }

    fn location(&self, id: SchemaId) -> String {
        self.compiled.location(self.get(id))
    }
}

/// Where the document is a schema: which metaschemas are for the schemas within it that have a dialect of their own.
pub(super) struct MetaTargets<'p, 'd> {
    pub(super) top: PlaceId,
    pub(super) of_places: HashMap<PlaceId, SchemaId>,
    pub(super) places: &'p Places<'d>,
}

impl MetaTargets<'_, '_> {
    /// The way leads from the document's top.
    fn find(&self, location: &Location<'_>) -> Option<SchemaId> {
        let place = location.with_way(|way| {
            way.iter().try_fold(self.top, |place, token| match token {
                Token::Name(name) => self.places.known_child(place, name),
                Token::Index(index) => self.places.known_child(place, &index.to_string()),
            })
        })?;
        self.of_places.get(&place).copied()
    }
}

/// Applies schemas to a document.
pub(super) struct Evaluator<'s, 'd> {
    catalog: &'s Catalog<'s, 'd>,
    targets: Option<&'s MetaTargets<'s, 's>>,
    max_depth: usize,
    depth: usize,
    steps: usize,
    bytes: usize,
}

/// One schema applied to one value.
struct Check<'p, 'v> {
    schema: SchemaId,
    value: &'v Document,
    location: Location<'v>,
    scope: Scope<'p>,
    /// The metaschema, where the document is a schema.
    meta: Option<SchemaId>,
    /// Only the verdict counts.
    is_quiet: bool,
    unevaluated: Unevaluated<'v>,
    reasons: Vec<Reason<'v>>,
}

impl<'v> Check<'_, 'v> {
    fn reason(&self, text: impl FnOnce() -> String) -> Reason<'v> {
        self.reason_over(text, Vec::new())
    }

    fn reason_over(&self, text: impl FnOnce() -> String, causes: Vec<Reason<'v>>) -> Reason<'v> {
        if self.is_quiet { Reason::untold() } else { Reason::new(&self.location, text(), causes) }
    }

    fn add(&mut self, text: impl FnOnce() -> String) {
        let reason = self.reason(text);
        self.reasons.push(reason);
    }

    fn add_over(&mut self, text: impl FnOnce() -> String, causes: Vec<Reason<'v>>) {
        let reason = self.reason_over(text, causes);
        self.reasons.push(reason);
    }

    /// Whether looking on would not change the verdict.
    fn is_decided(&self) -> bool {
        self.is_quiet && !self.reasons.is_empty()
    }
}

type Checked<T> = Result<T, Stop>;
/// What was left unevaluated of a value that fits, or why it does not.
type Verdict<'v> = Result<Unevaluated<'v>, Reason<'v>>;

impl<'s, 'd> Evaluator<'s, 'd> {
    pub(super) fn new(catalog: &'s Catalog<'s, 'd>, targets: Option<&'s MetaTargets<'s, 's>>) -> Self {
        let max_depth = APPLIED_PER_LEVEL * super::max_depth();
        Self { catalog, targets, max_depth, depth: 0, steps: 0, bytes: 0 }
    }

    /// What the schema says against the document, if anything: a headline, and the reasons below.
    pub(super) fn explain(
        mut self,
        schema: SchemaId,
        meta: Option<SchemaId>,
        document: &Document,
    ) -> Checked<Option<String>> {
        let reasons = self.reasons(schema, meta, document)?;
        if reasons.is_empty() {
            return Ok(None);
        }
        let mut text =
            format!("jsonschema validation failed with {}", quoted(&self.catalog.location(schema)));
        reasons.iter().for_each(|reason| reason.print(0, &mut text));
        Ok(Some(text))
    }

    /// Applies a schema to a document of its own.
    fn reasons<'longer>(
        &mut self,
        schema: SchemaId,
        meta: Option<SchemaId>,
        document: &Document,
    ) -> Checked<Vec<Reason<'longer>>> {
        let check = Check {
            schema,
            value: document,
            location: Location::root(),
            scope: Scope::top(schema),
            meta,
            is_quiet: false,
            unevaluated: Unevaluated::of(document, self.catalog.get(schema), false),
            reasons: Vec::new(),
        };
        Ok(match self.run(check)? {
            Ok(_) => Vec::new(),
            Err(reason) => reason.ungrouped().into_iter().map(Reason::settled).collect(),
        })
    }

    fn run<'v>(&mut self, check: Check<'_, 'v>) -> Checked<Verdict<'v>> {
        self.steps += 1;
        match () {
            () if self.depth >= self.max_depth => return Err(Stop::Depth(self.max_depth)),
            () if self.steps > MAX_STEPS => return Err(Stop::Steps),
            () if self.bytes > MAX_BYTES => return Err(Stop::Bytes),
            () => {}
        }
        self.depth += 1;
        let verdict = self.apply(check);
        self.depth -= 1;
        if let Ok(Err(reason)) = &verdict {
            self.bytes += reason.size();
        }
        verdict
    }

    fn apply<'v>(&mut self, mut check: Check<'_, 'v>) -> Checked<Verdict<'v>> {
        let schema = self.catalog.get(check.schema);
        match schema.plain {
            Some(true) => return Ok(Ok(check.unevaluated)),
            Some(false) => return Ok(Err(check.reason(|| "false schema".to_owned()))),
            None => {}
        }
        if let Some(text) = check.scope.cycle(check.schema, self.catalog) {
            return Ok(Err(check.reason(|| text)));
        }
        if let Some(text) = whole::fault(schema, check.value) {
            return Ok(Err(check.reason(text)));
        }
        if let Some(target) = schema.reference {
            let reason = self.follow(&mut check, target, "$ref")?;
            if schema.draft < Draft::Draft2019 {
                return Ok(reason.map_or(Ok(check.unevaluated), Err));
            }
            check.reasons.extend(reason);
        }
        match check.value {
            Document::Object(object) => self.check_object(schema, object, &mut check)?,
            Document::Array(items) => self.check_array(schema, items, &mut check)?,
            Document::String(text) => check_text(schema, text, &mut check),
            Document::Number(_) => check_number(schema, &mut check)?,
            Document::Null | Document::Bool(_) => {}
        }
        if !check.is_decided() {
            self.check_dynamic_references(schema, &mut check)?;
            self.check_combined(schema, &mut check)?;
            self.check_condition(schema, &mut check)?;
            self.check_unevaluated(schema, &mut check)?;
        }
        Ok(finish(check))
    }

    /// Applies a schema to the same value.
    fn check_same<'v>(
        &mut self,
        check: &mut Check<'_, 'v>,
        schema: SchemaId,
        keyword: &'static str,
        is_quiet: bool,
    ) -> Checked<Option<Reason<'v>>> {
        let is_needed = !check.unevaluated.is_empty();
        let below = Check {
            schema,
            value: check.value,
            location: check.location.clone(),
            scope: check.scope.same(schema, keyword),
            meta: check.meta,
            is_quiet: check.is_quiet || is_quiet,
            unevaluated: Unevaluated::of(check.value, self.catalog.get(schema), is_needed),
            reasons: Vec::new(),
        };
        let below = self.with_dialect(below);
        Ok(match self.run(below)? {
            Ok(unevaluated) => {
                check.unevaluated.keep(&unevaluated);
                None
            }
            Err(reason) => Some(reason),
        })
    }

    /// Applies a schema to a value within the value.
    fn check_below<'v>(
        &mut self,
        check: &Check<'_, 'v>,
        schema: SchemaId,
        value: &'v Document,
        token: Token<'v>,
    ) -> Checked<Option<Reason<'v>>> {
        let below = Check {
            schema,
            value,
            location: check.location.below(token),
            scope: check.scope.below(schema),
            meta: check.meta,
            is_quiet: check.is_quiet,
            unevaluated: Unevaluated::of(value, self.catalog.get(schema), false),
            reasons: Vec::new(),
        };
        let below = self.with_dialect(below);
        Ok(self.run(below)?.err())
    }

    /// The metaschema for a schema that has a dialect of its own, where the check is one of a schema by a metaschema.
    fn own_metaschema(
        &self,
        schema: SchemaId,
        meta: Option<SchemaId>,
        location: &Location<'_>,
    ) -> Option<SchemaId> {
        if Some(schema) != meta {
            return None;
        }
        self.targets?.find(location)
    }

    fn with_dialect<'p, 'v>(&self, mut check: Check<'p, 'v>) -> Check<'p, 'v> {
        if let Some(own) = self.own_metaschema(check.schema, check.meta, &check.location) {
            (check.schema, check.meta) = (own, Some(own));
        }
        check
    }

    fn follow<'v>(
        &mut self,
        check: &mut Check<'_, 'v>,
        target: SchemaId,
        keyword: &'static str,
    ) -> Checked<Option<Reason<'v>>> {
        let reason = self.check_same(check, target, keyword, false)?;
        let is_quiet = check.is_quiet;
        Ok(reason.map(|reason| if is_quiet { reason } else { Reason::reference(&check.location, reason) }))
    }

    fn check_dynamic_references(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        if let Some(mut target) = schema.recursive_reference {
            if self.catalog.get(target).is_recursive_anchor {
                target = check.scope.outermost_recursive(self.catalog).unwrap_or(target);
            }
            let reason = self.follow(check, target, "$recursiveRef")?;
            check.reasons.extend(reason);
        }
        if let Some((target, anchor)) = &schema.dynamic_reference {
            let mut target = *target;
            if !anchor.is_empty() && self.catalog.get(target).dynamic_anchor == anchor {
                target = check.scope.outermost_dynamic(anchor, self.catalog).unwrap_or(target);
            }
            let reason = self.follow(check, target, "$dynamicRef")?;
            check.reasons.extend(reason);
        }
        Ok(())
    }

    fn check_combined(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        if let Some(not) = schema.not
            && self.check_same(check, not, "", true)?.is_none()
        {
            check.add(|| "'not' failed".to_owned());
        }
        self.check_all_of(schema, check)?;
        self.check_any_of(schema, check)?;
        self.check_one_of(schema, check)
    }

    fn check_all_of(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        let mut reasons = Vec::new();
        for alternative in &schema.all_of {
            reasons.extend(self.check_same(check, *alternative, "", false)?);
            if check.is_quiet && !reasons.is_empty() {
                break;
            }
        }
        if !reasons.is_empty() {
            check.add_over(|| "'allOf' failed".to_owned(), reasons);
        }
        Ok(())
    }

    fn check_any_of(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        let mut reasons = Vec::new();
        let mut has_match = schema.any_of.is_empty();
        for alternative in &schema.any_of {
            match self.check_same(check, *alternative, "", false)? {
                Some(reason) => reasons.push(reason),
                None => has_match = true,
            }
            // Others may yet evaluate what this one did not.
            if has_match && check.unevaluated.is_empty() {
                break;
            }
        }
        if !has_match {
            check.add_over(|| "'anyOf' failed".to_owned(), reasons);
        }
        Ok(())
    }

    fn check_one_of(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        let mut reasons = Vec::new();
        let mut first = None;
        for (index, alternative) in schema.one_of.iter().enumerate() {
            let reason = self.check_same(check, *alternative, "", first.is_some())?;
            match (reason, first) {
                (Some(reason), None) => reasons.push(reason),
                (Some(_), Some(_)) => {}
                (None, None) => first = Some(index),
                (None, Some(first)) => {
                    let (first, second) = (grouped_size(first), grouped_size(index));
                    check.add(|| format!("'oneOf' failed, subschemas {first}, {second} matched"));
                    return Ok(());
                }
            }
        }
        if first.is_none() && !schema.one_of.is_empty() {
            check.add_over(|| "'oneOf' failed, none matched".to_owned(), reasons);
        }
        Ok(())
    }

    fn check_condition(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        let Some(condition) = schema.condition else { return Ok(()) };
        let holds = self.check_same(check, condition, "", true)?.is_none();
        if let Some(branch) = if holds { schema.consequence } else { schema.alternative } {
            let reason = self.check_same(check, branch, "", false)?;
            check.reasons.extend(reason);
        }
        Ok(())
    }

    fn check_unevaluated(&mut self, schema: &Schema<'d>, check: &mut Check<'_, '_>) -> Checked<()> {
        if let (Some(unevaluated), Document::Object(object)) = (schema.unevaluated_properties, check.value) {
            for name in check.unevaluated.take_names() {
                if let Some(value) = object.get(name) {
                    let reason = self.check_below(check, unevaluated, value, Token::Name(name))?;
                    check.reasons.extend(reason);
                }
            }
        }
        if let (Some(unevaluated), Document::Array(items)) = (schema.unevaluated_items, check.value) {
            for index in check.unevaluated.take_items() {
                let reason = self.check_below(check, unevaluated, &items[index], Token::Index(index))?;
                check.reasons.extend(reason);
            }
        }
        Ok(())
    }
}

fn finish<'v>(mut check: Check<'_, 'v>) -> Verdict<'v> {
    match check.reasons.len() {
        0 | 1 => check.reasons.pop().map_or(Ok(check.unevaluated), Err),
        _ if check.is_quiet => Err(Reason::untold()),
        _ => Err(Reason::group(&check.location, check.reasons)),
    }
}

fn check_size(
    check: &mut Check<'_, '_>,
    (least, min): (&'static str, Option<i64>),
    (most, max): (&'static str, Option<i64>),
    size: usize,
) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let text = |name, want| format!("{name}: got {}, want {}", grouped(size), grouped(want));
    if let Some(want) = min.filter(|want| size < *want) {
        check.add(|| text(least, want));
    }
    if let Some(want) = max.filter(|want| size > *want) {
        check.add(|| text(most, want));
    }
}

fn check_text(schema: &Schema<'_>, text: &str, check: &mut Check<'_, '_>) {
    if schema.min_length.is_some() || schema.max_length.is_some() {
        let length = text.chars().count();
        check_size(check, ("minLength", schema.min_length), ("maxLength", schema.max_length), length);
    }
    if let Some((pattern, expression)) = &schema.pattern
        && !expression.is_match(text)
    {
        check.add(|| format!("{} does not match pattern {}", quoted(text), quoted(pattern)));
    }
}

fn check_number(schema: &Schema<'_>, check: &mut Check<'_, '_>) -> Checked<()> {
    let Document::Number(number) = check.value else { return Ok(()) };
    let limits = [
        ("minimum", schema.minimum),
        ("maximum", schema.maximum),
        ("exclusiveMinimum", schema.exclusive_minimum),
        ("exclusiveMaximum", schema.exclusive_maximum),
        ("multipleOf", schema.multiple_of),
    ];
    for (name, limit) in limits {
        let Some(limit) = limit else { continue };
        let (Some(got), Some(want)) = (number.decimal(), limit.decimal()) else { return Err(NO_NUMBER) };
        let is_good = match name {
            "minimum" => got >= want,
            "maximum" => got <= want,
            "exclusiveMinimum" => got > want,
            "exclusiveMaximum" => got < want,
            _ => got.is_multiple_of(want)?,
        };
        if !is_good {
            check.add(|| format!("{name}: got {}, want {}", float(number), float(limit)));
        }
    }
    Ok(())
}
