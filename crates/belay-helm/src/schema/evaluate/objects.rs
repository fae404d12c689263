//! Keywords for objects.

use super::super::compile::{Additional, Dependency, Schema, SchemaId};
use super::super::document::{Document, Object};
use super::super::reason::{Reason, Token};
use super::super::words::{join_quoted, quoted};
use super::{Check, Checked, Evaluator, check_size};

impl<'d> Evaluator<'_, 'd> {
    pub(super) fn check_object<'v>(
        &mut self,
        schema: &Schema<'d>,
        object: &'v Object,
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        let (min, max) = (schema.min_properties, schema.max_properties);
        check_size(check, ("minProperties", min), ("maxProperties", max), object.len());
        let missing = missing(&schema.required, object);
        if !missing.is_empty() {
            let noun = if missing.len() == 1 { "property" } else { "properties" };
            check.add(|| format!("missing {noun} {}", join_quoted(missing)));
        }
        if check.is_decided() {
            return Ok(());
        }
        self.check_dependencies(schema, object, check)?;
        self.check_properties(schema, object, check)?;
        if check.is_decided() {
            return Ok(());
        }
        if let Some(names) = schema.property_names {
            self.check_names(names, object, check)?;
        }
        for (name, subschema) in &schema.dependent_schemas {
            if object.contains_key(*name) {
                let reason = self.check_same(check, *subschema, "", false)?;
                check.reasons.extend(reason);
            }
        }
        for (name, wanted) in &schema.dependent_required {
            check_dependent(name, wanted, object, check);
        }
        Ok(())
    }

    fn check_dependencies<'v>(
        &mut self,
        schema: &Schema<'d>,
        object: &'v Object,
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        for (name, dependency) in &schema.dependencies {
            match dependency {
                _ if !object.contains_key(*name) => {}
                Dependency::Names(wanted) => check_dependent(name, wanted, object, check),
                Dependency::Schema(subschema) => {
                    let reason = self.check_same(check, *subschema, "", false)?;
                    check.reasons.extend(reason);
                }
            }
        }
        Ok(())
    }

    fn check_properties<'v>(
        &mut self,
        schema: &Schema<'d>,
        object: &'v Object,
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        let mut additional = Vec::new();
        for (name, value) in object {
            if check.is_decided() {
                return Ok(());
            }
            let mut subschemas: Vec<SchemaId> =
                schema.properties.get(name.as_str()).copied().into_iter().collect();
            let patterns = schema.pattern_properties.iter().filter(|(pattern, _)| pattern.is_match(name));
            subschemas.extend(patterns.map(|(_, subschema)| *subschema));
            let mut is_evaluated = !subschemas.is_empty();
            if let Some(rest) = schema.additional_properties.as_ref().filter(|_| !is_evaluated) {
                is_evaluated = true;
                match rest {
                    Additional::Allowed(true) => {}
                    Additional::Allowed(false) => additional.push(name.as_str()),
                    Additional::Schema(subschema) => subschemas.push(*subschema),
                }
            }
            for subschema in subschemas {
                let reason = self.check_below(check, subschema, value, Token::Name(name))?;
                check.reasons.extend(reason);
            }
            if is_evaluated {
                check.unevaluated.remove_name(name);
            }
        }
        if !additional.is_empty() {
            check.add(|| format!("additional properties {} not allowed", join_quoted(additional)));
        }
        Ok(())
    }

    /// Each name is a document of its own.
    fn check_names<'v>(
        &mut self,
        names: SchemaId,
        object: &'v Object,
        check: &mut Check<'_, 'v>,
    ) -> Checked<()> {
        for name in object.keys() {
            let own = self.own_metaschema(names, check.meta, &check.location);
            let meta = own.or(check.meta);
            let causes = self.reasons(own.unwrap_or(names), meta, &Document::String(name.clone()))?;
            if !causes.is_empty() {
                let reason = Reason::of_name(&check.location, name, causes);
                self.bytes += reason.size();
                check.reasons.push(reason);
            }
        }
        Ok(())
    }
}

fn check_dependent(name: &str, wanted: &[&str], object: &Object, check: &mut Check<'_, '_>) {
    let missing = missing(wanted, object);
    if object.contains_key(name) && !missing.is_empty() {
        check.add(|| format!("properties {} required, if {} exists", join_quoted(missing), quoted(name)));
    }
}

fn missing<'w>(wanted: &[&'w str], object: &Object) -> Vec<&'w str> {
    wanted.iter().filter(|name| !object.contains_key(**name)).copied().collect()
}
