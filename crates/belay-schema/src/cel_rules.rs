//! `x-kubernetes-validations`: rules in CEL on custom resources, transition rules included.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::Key;
use cel::{Context, Env, Program};
use serde_json::Value;

use crate::errors::FieldError;
use crate::values::equal;

/// Rule evaluations for one object; more ends in an error.
const MAX_EVALUATIONS: usize = 10_000;
const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// A rule that does not compile.
#[derive(Debug, thiserror::Error)]
#[error("compilation failed: {0}")]
pub struct RuleError(String);

/// The rules of a schema, placed as its nodes are.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    rules: Vec<Rule>,
    /// The JSON type, which errors show instead of the value.
    type_name: String,
    fields: HashMap<String, Node>,
    items: Option<Box<Node>>,
    additional: Option<Box<Node>>,
    /// Keys by which items of an old list are found again.
    list_keys: Option<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    program: Program,
    source: String,
    message: String,
    message_expression: Option<Program>,
    reason: String,
    field_path: String,
    uses_old: bool,
    optional_old: bool,
}

impl Rules {
    /// Compile every rule of a schema; the error names where the rule stands.
    pub(crate) fn compile(schema: &Value) -> Result<Self, (String, RuleError)> {
        let env = environment();
        Ok(Self { root: compile_node(schema, "", &env)?.unwrap_or_default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The errors of an object; rules about `oldSelf` need the old one.
    pub(crate) fn check(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut run = Run { env: Arc::new(environment()), errors: Vec::new(), budget: MAX_EVALUATIONS };
        run.node(&self.root, object, old, "");
        run.errors
    }
}

impl Node {
    fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.fields.is_empty() && self.items.is_none() && self.additional.is_none()
    }
}

/// Standard CEL with the string and list functions that the API server also has.
fn environment() -> Env {
    let mut env = Env::stdlib();
    // An extension fails only when it is added twice.
    let _ = env.add_extension(cel::extensions::strings);
    let _ = env.add_extension(cel::extensions::lists);
    env
}

fn compile_node(schema: &Value, path: &str, env: &Env) -> Result<Option<Node>, (String, RuleError)> {
    let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut node = Node { type_name: text("type").to_owned(), ..Node::default() };
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        node.rules.push(compile_rule(rule, env).map_err(|error| (path.to_owned(), error))?);
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(child) = compile_node(property, &format!("{path}.{name}"), env)? {
            node.fields.insert(name.clone(), child);
        }
    }
    if let Some(items) = schema.get("items") {
        node.items = compile_node(items, &format!("{path}[]"), env)?.map(Box::new);
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        node.list_keys = keys.map(|keys| keys.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    if let Some(additional) = schema.get("additionalProperties").filter(|additional| additional.is_object()) {
        node.additional = compile_node(additional, &format!("{path}{{}}"), env)?.map(Box::new);
    }
    Ok((!node.is_empty()).then_some(node))
}

fn compile_rule(rule: &Value, env: &Env) -> Result<Rule, RuleError> {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let compile = |source: &str| env.compile(source).map_err(|error| RuleError(error.to_string()));
    let source = text("rule");
    let program = compile(&source)?;
    let message_expression = text("messageExpression");
    let message_expression =
        if message_expression.is_empty() { None } else { Some(compile(&message_expression)?) };
    let uses_old = program.references().has_variable("oldSelf");
    Ok(Rule {
        program,
        message: text("message"),
        message_expression,
        reason: text("reason"),
        field_path: text("fieldPath"),
        uses_old,
        optional_old: rule.get("optionalOldSelf") == Some(&Value::Bool(true)),
        source,
    })
}

struct Run {
    env: Arc<Env>,
    errors: Vec<FieldError>,
    budget: usize,
}

impl Run {
    fn node(&mut self, node: &Node, value: &Value, old: Option<&Value>, path: &str) {
        if value.is_null() || node.is_empty() {
            return;
        }
        for rule in &node.rules {
            self.rule(rule, node, value, old, path);
        }
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let before = old.and_then(|old| old.get(name));
                    if let Some(field) = node.fields.get(name) {
                        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                        self.node(field, value, before, &path);
                    } else if let Some(additional) = &node.additional {
                        self.node(additional, value, before, &format!("{path}[{name}]"));
                    }
                }
            }
            Value::Array(items) => {
                let Some(element) = &node.items else { return };
                for (position, item) in items.iter().enumerate() {
                    let before = node.list_keys.as_ref().and_then(|keys| same_item(keys, item, old));
                    self.node(element, item, before, &format!("{path}[{position}]"));
                }
            }
            _ => {}
        }
    }

    fn rule(&mut self, rule: &Rule, node: &Node, value: &Value, old: Option<&Value>, path: &str) {
        if rule.uses_old && old.is_none() && !rule.optional_old {
            return;
        }
        let type_name = Value::String(node.type_name.clone());
        let shown = if path.is_empty() { "<nil>" } else { path };
        if self.budget == 0 {
            return;
        }
        self.budget -= 1;
        if self.budget == 0 {
            self.errors.push(FieldError::invalid(shown, &type_name, OUT_OF_BUDGET));
            return;
        }
        let context = self.context(rule, value, old);
        match rule.program.execute(&context) {
            Ok(cel::Value::Bool(true)) => {}
            Ok(_) => {
                // What was wrong before and has not changed is let through.
                if !rule.uses_old && old.is_some_and(|old| equal(old, value)) {
                    return;
                }
                let message = message_of(rule, &context);
                let path = with_field_path(path, &rule.field_path);
                self.errors.push(error_for(&rule.reason, &path, &type_name, &message));
            }
            Err(error) => {
                let source = if rule.message.is_empty() { &rule.source } else { &rule.message };
                let detail = format!("{} evaluating rule: {source}", lower_first(&error.to_string()));
                self.errors.push(FieldError::invalid(shown, &type_name, &detail));
            }
        }
    }

    fn context(&self, rule: &Rule, value: &Value, old: Option<&Value>) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_variable_from_value("self", cel_value(value));
        if rule.optional_old {
            let old = match old {
                Some(old) => cel::objects::OptionalValue::of(cel_value(old)),
                None => cel::objects::OptionalValue::none(),
            };
            context.add_variable_from_value("oldSelf", cel::Value::Opaque(Arc::new(old)));
        } else if let Some(old) = old {
            context.add_variable_from_value("oldSelf", cel_value(old));
        }
        add_functions(&mut context);
        context
    }
}

/// The functions of the API server's own libraries that take and give plain values.
fn add_functions(context: &mut Context<'_, '_>) {
    use cel::extractors::This;
    let is_quantity = |text: Arc<String>| text.parse::<crate::quantity::Quantity>().is_ok();
    let is_url = |text: Arc<String>| {
        text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
    };
    let is_ip = |text: Arc<String>| text.parse::<std::net::IpAddr>().is_ok();
    let find = |This(text): This<Arc<String>>, pattern: Arc<String>| -> cel::ResolveResult {
        let pattern = regex::Regex::new(&pattern)
            .map_err(|error| cel::ExecutionError::function_error("find", error))?;
        let found = pattern.find(&text).map(|found| found.as_str()).unwrap_or_default();
        Ok(cel::Value::String(Arc::new(found.to_owned())))
    };
    // A function fails to be added only when the library has one of the name.
    let _ = context.add_function("isQuantity", is_quantity);
    let _ = context.add_function("isURL", is_url);
    let _ = context.add_function("isIP", is_ip);
    let _ = context.add_function("find", find);
}

fn same_item<'v>(keys: &[String], item: &Value, old: Option<&'v Value>) -> Option<&'v Value> {
    let is_same = |candidate: &&Value| keys.iter().all(|key| candidate.get(key) == item.get(key));
    old?.as_array()?.iter().find(is_same)
}

fn message_of(rule: &Rule, context: &Context<'_, '_>) -> String {
    if let Some(expression) = &rule.message_expression
        && let Ok(cel::Value::String(text)) = expression.execute(context)
        && !text.trim().is_empty()
        && !text.contains('\n')
    {
        return text.trim().to_owned();
    }
    if rule.message.is_empty() { format!("failed rule: {}", rule.source) } else { rule.message.clone() }
}

fn with_field_path(path: &str, field_path: &str) -> String {
    match (path, field_path.trim_start_matches('.')) {
        ("", "") => "<nil>".to_owned(),
        (path, "") => path.to_owned(),
        ("", field) => field.to_owned(),
        (path, field) => format!("{path}.{field}"),
    }
}

fn error_for(reason: &str, path: &str, type_name: &Value, message: &str) -> FieldError {
    match reason {
        "FieldValueForbidden" => FieldError::forbidden(path, message),
        "FieldValueRequired" => FieldError::required(path, message),
        "FieldValueDuplicate" => FieldError::duplicate(path, type_name),
        _ => FieldError::invalid(path, type_name, message),
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// JSON as CEL has it: whole numbers are `int`.
pub(crate) fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(cel_value).collect())),
        Value::Object(object) => {
            let entries: HashMap<Key, cel::Value> = object
                .iter()
                .map(|(name, value)| (Key::String(Arc::new(name.clone())), cel_value(value)))
                .collect();
            cel::Value::Map(cel::objects::Map { map: Arc::new(entries) })
        }
    }
}
