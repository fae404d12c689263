//! Conditions in CEL that people write about whole objects: Flux's health checks and `readyExpr`.

mod sets;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::{Context, Env, ExecutionError, Program};
use serde_json::Value;

use crate::cel_rules::cel_value;

/// More steps are not taken: the longest list of the variables, to the power of the loops in each other.
const MAX_STEPS: usize = 50_000;
/// A longer text is no condition.
const MAX_BYTES: usize = 4 * 1024;
/// Fields, signs and operators of one condition: reading and asking it may go one call deeper for each.
const MAX_LINKS: usize = 400;
/// Brackets in each other. The parser takes many calls for each.
const MAX_BRACKETS: usize = 50;
/// Room for the deepest condition within these limits, in a build without optimisation.
const STACK: usize = 256 * 1024 * 1024;

/// A condition that was read and can be asked of objects.
#[derive(Debug)]
pub struct Expression {
    text: String,
    program: Program,
    loops: u32,
    /// How often parts are put together, which makes lists longer than any that is there.
    sums: usize,
    splits: bool,
}

/// Why a text is no condition, or cannot be asked of an object. Worded as Flux words it; a value is never quoted.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionError {
    /// It is not CEL, or names a variable that is not there.
    #[error("failed to parse the CEL expression '{text}': {reason}")]
    Parse {
        /// The text.
        text: String,
        /// What the parser said.
        reason: String,
    },
    /// The text is too long.
    #[error("failed to parse the CEL expression: {bytes} bytes are more than the limit of {MAX_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has too many parts, or too many in each other.
    #[error(
        "failed to parse the CEL expression: more than {MAX_LINKS} fields and operators, or {MAX_BRACKETS} brackets in each other"
    )]
    TooManyParts,
    /// There was no room for it, or the work on it ended unexpectedly.
    #[error("the CEL expression broke off")]
    BrokeOff,
    /// It asks for what the object does not have.
    #[error("failed to evaluate the CEL expression '{text}': {reason}")]
    Evaluate {
        /// The text.
        text: String,
        /// What is missing.
        reason: String,
    },
    /// It cannot be true or false, whatever it is asked of.
    #[error("CEL expression output type mismatch: expected bool, got {type_name}")]
    NoCondition {
        /// What it is.
        type_name: &'static str,
    },
    /// Its value is neither true nor false.
    #[error("failed to evaluate CEL expression as boolean: '{text}'")]
    NotBoolean {
        /// The text.
        text: String,
    },
}

impl Expression {
    /// Reads a condition. With `variables`, it may use these alone.
    pub fn compile(text: &str, variables: Option<&[&str]>) -> Result<Expression, ExpressionError> {
        if text.len() > MAX_BYTES {
            return Err(ExpressionError::TooLong { bytes: text.len() });
        }
        if is_too_deep(text) {
            return Err(ExpressionError::TooManyParts);
        }
        let text = text.to_owned();
        with_room(|| Expression::read(text, variables)).unwrap_or(Err(ExpressionError::BrokeOff))
    }

    /// Reads a condition over these variables alone, which are objects of any shape. One that is surely neither true nor
    /// false is refused before it is asked.
    pub fn condition(text: &str, variables: &[&str]) -> Result<Expression, ExpressionError> {
        let read = Expression::compile(text, Some(variables))?;
        match other_type(read.program.expression()) {
            None => Ok(read),
            Some(type_name) => Err(ExpressionError::NoCondition { type_name }),
        }
    }

    fn read(text: String, variables: Option<&[&str]>) -> Result<Expression, ExpressionError> {
        let failed = |reason: String| ExpressionError::Parse { text: text.clone(), reason };
        let program = ENVIRONMENT.compile(&text).map_err(|error| failed(error.to_string()))?;
        let mut free = BTreeSet::new();
        free_variables(program.expression(), &mut Vec::new(), &mut free);
        let is_known = |name: &&String| variables.is_none_or(|known| known.contains(&name.as_str()));
        if let Some(unknown) = free.iter().find(|name| !is_known(name)) {
            return Err(failed(format!("undeclared reference to '{unknown}' (in container '')")));
        }
        let splits = program.references().has_function("split");
        let (loops, sums) = (loops(program.expression()), text.matches('+').count());
        Ok(Expression { text, program, loops, sums, splits })
    }

    /// Whether the condition holds. Each variable stands for its JSON value.
    pub fn holds<'v>(
        &self,
        variables: impl IntoIterator<Item = (&'v str, &'v Value)>,
    ) -> Result<bool, ExpressionError> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        let mut longest = 1;
        for (name, value) in variables {
            longest = longest.max(self.longest_list(value));
            context.add_variable_from_value(name, cel_value(value));
        }
        let failed = |reason: String| ExpressionError::Evaluate { text: self.text.clone(), reason };
        let longest = longest.max(self.longest_of_its_own()).saturating_mul(self.sums + 1);
        if self.loops > 0 && longest.checked_pow(self.loops).is_none_or(|steps| steps > MAX_STEPS) {
            return Err(failed(format!("{} loops in each other over {longest} items", self.loops)));
        }
        match with_room(|| self.program.execute(&context)) {
            Some(Ok(cel::Value::Bool(holds))) => Ok(holds),
            Some(Ok(_)) => Err(ExpressionError::NotBoolean { text: self.text.clone() }),
            Some(Err(error)) => Err(failed(reason(&error))),
            None => Err(ExpressionError::BrokeOff),
        }
    }

    /// No list in the text has more items than it has commas, nor does a part of it that is split.
    fn longest_of_its_own(&self) -> usize {
        if self.splits { self.text.len() } else { self.text.matches(',').count() + 1 }
    }

    fn longest_list(&self, value: &Value) -> usize {
        match value {
            Value::Array(items) => {
                items.iter().map(|item| self.longest_list(item)).max().unwrap_or(0).max(items.len())
            }
            Value::Object(fields) => {
                fields.values().map(|field| self.longest_list(field)).max().unwrap_or(0).max(fields.len())
            }
            Value::String(text) if self.splits => text.len(),
            _ => 0,
        }
    }
}

/// Calls a function on a stack of its own: reading and asking go as deep as the condition. Nothing when there is no
/// room for one, or the function broke off.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// Standard CEL with what Flux adds: optional values, functions on texts, sets and base64. Those on lists are left out:
/// besides sets the macros' loops are the only ones.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // An extension fails only when it is added twice.
    let _ = env.add_extension(cel::extensions::strings);
    let _ = env.add_extension(cel::extensions::encoders);
    let _ = env.add_extension(sets::extension);
    Arc::new(env)
});

fn is_too_deep(text: &str) -> bool {
    let (mut links, mut open, mut deepest) = (0_usize, 0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'.' | b'!' | b'?' | b':' | b'-' | b'+' | b'*' | b'/' | b'%' | b'&' | b'|' | b'<' | b'>'
            | b'=' => {
                links += 1;
            }
            _ => {}
        }
        deepest = deepest.max(open);
    }
    links > MAX_LINKS || deepest > MAX_BRACKETS
}

/// What is wrong, without the values at hand: they may be a Secret's.
fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::UndeclaredReference(name) => format!("no such attribute(s): {name}"),
        _ => "no such overload".to_owned(),
    }
}

/// How many loops stand in each other, at most.
fn loops(expression: &IdedExpr) -> u32 {
    let most = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(loops).max().unwrap_or(0);
    match &expression.expr {
        Expr::Comprehension(comprehension) => {
            let body = [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result];
            let before = [&comprehension.iter_range, &comprehension.accu_init];
            (1 + most(&mut body.into_iter())).max(most(&mut before.into_iter()))
        }
        Expr::Call(call) => {
            // A set is gone through once for each item of the other.
            let own = if is_of(call.target.as_deref(), &["sets"]) { 2 } else { 0 };
            own + most(&mut call.args.iter().chain(call.target.as_deref()))
        }
        Expr::Select(select) => loops(&select.operand),
        Expr::List(list) => most(&mut list.elements.iter()),
        Expr::Map(map) => most(&mut parts(map.entries.iter().map(|entry| &entry.expr))),
        Expr::Struct(structure) => most(&mut parts(structure.entries.iter().map(|entry| &entry.expr))),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
    }
}

/// The type of a condition that is surely none.
fn other_type(expression: &IdedExpr) -> Option<&'static str> {
    match &expression.expr {
        Expr::Select(select) => (!select.test).then_some("dyn"),
        Expr::Ident(_) => Some("dyn"),
        Expr::List(_) => Some("list(dyn)"),
        Expr::Map(_) | Expr::Struct(_) => Some("map(dyn, dyn)"),
        Expr::Call(call) => match call.func_name.as_str() {
            "_[_]" => Some("dyn"),
            "size" | "int" => Some("int"),
            "string" => Some("string"),
            _ => None,
        },
        Expr::Literal(_) | Expr::Comprehension(_) | Expr::Unspecified => None,
    }
}

/// Names before functions, which are no variables.
const NAMESPACES: &[&str] = &["base64", "optional", "sets"];

fn is_of(target: Option<&IdedExpr>, namespaces: &[&str]) -> bool {
    matches!(target.map(|target| &target.expr), Some(Expr::Ident(name)) if namespaces.contains(&name.as_str()))
}

/// The names that no loop brings.
fn free_variables(expression: &IdedExpr, bound: &mut Vec<String>, free: &mut BTreeSet<String>) {
    let mut each = |part: &IdedExpr, bound: &mut Vec<String>| free_variables(part, bound, free);
    match &expression.expr {
        Expr::Ident(name) if name.starts_with('@') || bound.contains(name) => {}
        Expr::Ident(name) => {
            free.insert(name.clone());
        }
        Expr::Comprehension(comprehension) => {
            each(&comprehension.iter_range, bound);
            each(&comprehension.accu_init, bound);
            let outside = bound.len();
            bound.push(comprehension.iter_var.clone());
            bound.push(comprehension.accu_var.clone());
            bound.extend(comprehension.iter_var2.clone());
            for part in [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result] {
                each(part, bound);
            }
            bound.truncate(outside);
        }
        Expr::Call(call) => {
            let target = call.target.as_deref().filter(|target| !is_of(Some(target), NAMESPACES));
            call.args.iter().chain(target).for_each(|part| each(part, bound));
        }
        Expr::Select(select) => each(&select.operand, bound),
        Expr::List(list) => list.elements.iter().for_each(|part| each(part, bound)),
        Expr::Map(map) => {
            parts(map.entries.iter().map(|entry| &entry.expr)).for_each(|part| each(part, bound))
        }
        Expr::Struct(structure) => {
            parts(structure.entries.iter().map(|entry| &entry.expr)).for_each(|part| each(part, bound));
        }
        Expr::Unspecified | Expr::Literal(_) => {}
    }
}

fn parts<'e>(entries: impl Iterator<Item = &'e EntryExpr>) -> impl Iterator<Item = &'e IdedExpr> {
    entries.flat_map(|entry| match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(text: &str, object: &Value) -> Result<bool, String> {
        let expression = Expression::compile(text, None).map_err(|error| error.to_string())?;
        let fields = object.as_object().expect("an object");
        expression
            .holds(fields.iter().map(|(name, value)| (name.as_str(), value)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_condition_is_asked_of_an_object() {
        let object = json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]}});
        let ready = "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')";
        assert_eq!(ask(ready, &object), Ok(true));
        assert_eq!(ask("status.conditions.exists(e, e.type == 'Stalled')", &object), Ok(false));
        assert_eq!(ask("has(status.phase) && status.phase == 'Done'", &object), Ok(false));
        assert_eq!(ask("metadata.generation == status.observedGeneration", &object), Ok(true));
    }

    #[test]
    fn what_flux_adds_to_the_language_is_there() {
        let object = json!({"spec": {"roles": ["a", "b"], "nothing": null}, "data": {"key": "eA=="}});
        for (text, expected) in [
            ("sets.contains(spec.roles, ['b'])", true),
            ("sets.contains(spec.roles, ['b', 'c'])", false),
            ("sets.contains(spec.roles, [])", true),
            ("sets.equivalent(spec.roles, ['b', 'a', 'a'])", true),
            ("sets.equivalent(spec.roles, ['b'])", false),
            ("sets.intersects(spec.roles, ['c', 'a'])", true),
            ("sets.intersects(spec.roles, ['c'])", false),
            ("base64.decode(data.key) == b'x'", true),
            ("base64.encode(b'x') == data.key", true),
            ("spec.?gone.orValue('none') == 'none'", true),
            ("spec.?roles.hasValue()", true),
            ("optional.of(1).value() == 1", true),
            ("optional.none().hasValue()", false),
        ] {
            assert_eq!(ask(text, &object), Ok(expected), "{text}");
        }
        assert!(ask("sets.contains(spec.roles, 'a')", &object).is_err());
        assert!(Expression::compile("sets.contains(dep.a, dep.b)", Some(&["dep"])).is_ok());
        assert!(Expression::compile("sets.contains(dep.a, other)", Some(&["dep"])).is_err());
    }

    #[test]
    fn bad_r8_sets_are_loops() {
        let object = json!({"l": vec![1; 1000]});
        let error = ask("sets.contains(l, l)", &object).unwrap_err();
        assert!(error.contains("2 loops in each other over 1000 items"), "{error}");
    }

    #[test]
    fn what_cannot_be_asked_says_why_and_quotes_no_value() {
        let object = json!({"data": {"token": "canary"}});
        assert_eq!(
            ask("status.ready", &object).unwrap_err(),
            "failed to evaluate the CEL expression 'status.ready': no such attribute(s): status"
        );
        assert_eq!(
            ask("data.key == 1", &object).unwrap_err(),
            "failed to evaluate the CEL expression 'data.key == 1': no such key: key"
        );
        assert_eq!(
            ask("data.token", &object).unwrap_err(),
            "failed to evaluate CEL expression as boolean: 'data.token'"
        );
        assert!(!ask("data.token + 1 == 2", &object).unwrap_err().contains("canary"));
        assert!(
            ask("data.", &object).unwrap_err().starts_with("failed to parse the CEL expression 'data.': ")
        );
        let named = Expression::compile("dep.ready && other", Some(&["self", "dep"])).unwrap_err();
        assert!(named.to_string().ends_with("undeclared reference to 'other' (in container '')"), "{named}");
        let known = Expression::compile("self.a == dep.a && self.l.all(x, x > 0)", Some(&["self", "dep"]));
        assert!(known.is_ok(), "{known:?}");
        let outside = Expression::compile("self.l.all(x, x > 0) && x == 1", Some(&["self"])).unwrap_err();
        assert!(outside.to_string().contains("undeclared reference to 'x'"), "{outside}");
    }

    #[test]
    fn loops_in_each_other_over_long_lists_are_not_run() {
        let object = json!({"l": vec![1; 2_000], "t": "a".repeat(2_000)});
        assert_eq!(ask("l.all(x, x == 1)", &object), Ok(true));
        assert_eq!(ask("size(l.filter(x, x == 1)) == 2000", &object), Ok(true));
        for text in
            ["t.split('').all(x, t.split('').all(y, x == y))", "(l + l).all(x, (l + l).all(y, x == y))"]
        {
            assert!(ask(text, &object).unwrap_err().contains("2 loops in each other over"), "{text}");
        }
        let nested = ask("l.all(x, l.all(y, l.all(z, x == y && y == z)))", &object).unwrap_err();
        assert!(nested.ends_with("3 loops in each other over 2000 items"), "{nested}");
    }

    #[test]
    fn a_text_made_to_break_the_parser_is_refused() {
        let object = json!({"a": {"b": 1}});
        assert!(ask(&"(".repeat(20_000), &object).unwrap_err().contains("more than the limit"));
        let deep = ask(&format!("{}1{}", "(".repeat(500), ")".repeat(500)), &object).unwrap_err();
        assert!(deep.ends_with("or 50 brackets in each other"), "{deep}");
        for text in [
            format!("a{}", ".b".repeat(400)),
            format!("{}true", "!".repeat(400)),
            format!("{}true", "-".repeat(400)),
            format!("true{}", " && true".repeat(200)),
            format!("{}true", "true ? true : ".repeat(200)),
            format!("{}1{} == 1", "(".repeat(50), ")".repeat(50)),
            format!("{}{}", "[".repeat(50), "]".repeat(50)),
        ] {
            // Whatever it says, it says it.
            let _ = ask(&text, &object);
        }
    }
}
