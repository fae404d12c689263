//! Functions templates can call: signatures in Go's types, and closures that see the execution.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Limit};
use crate::exec::Run;
use crate::options::{Clock, Options, RandomSource};
use crate::set::TemplateSet;
use crate::value::{Element, List, Map, Text, Type, Value};

type Body = dyn Fn(&mut Call<'_>, Arguments<'_>) -> Result<Value, FunctionError> + Send + Sync;

/// The parameters and the result of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameters; the last one may repeat.
    pub parameters: Vec<Type>,
    /// Whether the last parameter may be given any number of times.
    pub variadic: bool,
    /// The result.
    pub result: Type,
    /// Why templates cannot call it, in Go's words, if its results are not for them.
    pub refusal: Option<String>,
}

impl Signature {
    /// A signature with a fixed number of parameters.
    pub fn new(parameters: impl Into<Vec<Type>>, result: Type) -> Self {
        Self { parameters: parameters.into(), variadic: false, result, refusal: None }
    }

    /// A signature whose last parameter may repeat.
    pub fn variadic(parameters: impl Into<Vec<Type>>, result: Type) -> Self {
        Self { parameters: parameters.into(), variadic: true, result, refusal: None }
    }

    /// A function without parameters whose results templates cannot take.
    pub fn refused(refusal: String) -> Self {
        Self { refusal: Some(refusal), ..Self::new([], Type::Any) }
    }
}

/// A function.
#[derive(Clone)]
pub struct Function {
    signature: Arc<Signature>,
    body: Arc<Body>,
}

impl Function {
    /// A function of the signature given. It is called only with arguments that fit.
    pub fn new(
        signature: Signature,
        body: impl Fn(&mut Call<'_>, Arguments<'_>) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        Self { signature: Arc::new(signature), body: Arc::new(body) }
    }

    /// The signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Calls the function.
    pub fn call(&self, call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        (self.body)(call, Arguments(arguments))
    }

    /// The Go type, such as `func(string, ...interface {}) string`.
    pub fn type_name(&self) -> String {
        let mut parameters = Vec::new();
        for (index, parameter) in self.signature.parameters.iter().enumerate() {
            let last = index + 1 == self.signature.parameters.len();
            let dots = if last && self.signature.variadic { "..." } else { "" };
            parameters.push(format!("{dots}{}", parameter.name()));
        }
        format!("func({}) {}", parameters.join(", "), self.signature.result.name())
    }
}

/// Functions by name.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: HashMap<Arc<str>, Function>,
    methods: HashMap<(&'static str, &'static str), Function>,
}

impl Functions {
    /// No functions; Go's builtins are always there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a function with a fixed number of parameters.
    pub fn add<const N: usize>(
        &mut self,
        name: &str,
        parameters: [Type; N],
        result: Type,
        body: impl Fn(&mut Call<'_>, Arguments<'_>) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) {
        self.insert(name, Function::new(Signature::new(parameters, result), body));
    }

    /// Adds or replaces a function whose last parameter may repeat.
    pub fn add_variadic<const N: usize>(
        &mut self,
        name: &str,
        parameters: [Type; N],
        result: Type,
        body: impl Fn(&mut Call<'_>, Arguments<'_>) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) {
        self.insert(name, Function::new(Signature::variadic(parameters, result), body));
    }

    /// Adds or replaces a function.
    pub fn insert(&mut self, name: &str, function: Function) {
        self.by_name.insert(name.into(), function);
    }

    /// Adds a method of maps of a named Go type. The map comes before the arguments.
    pub fn add_method<const N: usize>(
        &mut self,
        go_type: &'static str,
        name: &'static str,
        parameters: [Type; N],
        result: Type,
        body: impl Fn(&mut Call<'_>, Arguments<'_>) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) {
        self.methods.insert((go_type, name), Function::new(Signature::new(parameters, result), body));
    }

    /// The method of that name of maps of a named Go type.
    pub(crate) fn method(&self, go_type: &'static str, name: &str) -> Option<&Function> {
        self.methods
            .iter()
            .find(|((of, method), _)| *method == name && *of == go_type)
            .map(|(_, found)| found)
    }

    /// Gives a function a second name.
    pub fn alias(&mut self, name: &str, of: &str) {
        if let Some(function) = self.by_name.get(of).cloned() {
            self.insert(name, function);
        }
    }

    /// Removes a function.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// The function of that name.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.by_name.get(name)
    }

    /// The names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }
}

/// Why a function failed. The text is what Go's error would say.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    message: String,
    limit: Option<Limit>,
    #[source]
    cause: Option<Box<Error>>,
}

impl FunctionError {
    /// An error with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), limit: None, cause: None }
    }

    /// The limit that was reached, if that was the reason.
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// The error of the nested execution, if that was the reason.
    pub fn nested(&self) -> Option<&Error> {
        self.cause.as_deref()
    }

    pub(crate) fn over(limit: Limit) -> Self {
        Self { message: format!("the limit of {limit} is exceeded"), limit: Some(limit), cause: None }
    }
}

impl From<Error> for FunctionError {
    fn from(error: Error) -> Self {
        Self { message: error.to_string(), limit: error.limit(), cause: Some(Box::new(error)) }
    }
}

impl From<String> for FunctionError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for FunctionError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

/// The arguments of a call, checked against the signature.
#[derive(Clone, Copy)]
pub struct Arguments<'a>(&'a [Value]);

impl<'a> Arguments<'a> {
    /// All of them.
    pub fn all(self) -> &'a [Value] {
        self.0
    }

    /// Those from an index on.
    pub fn rest(self, from: usize) -> &'a [Value] {
        self.0.get(from..).unwrap_or(&[])
    }

    /// How many.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// One argument.
    pub fn value(self, index: usize) -> Result<&'a Value, FunctionError> {
        self.0.get(index).ok_or_else(|| FunctionError::new(format!("argument {index} is missing")))
    }

    /// A `string` argument.
    pub fn text(self, index: usize) -> Result<&'a Text, FunctionError> {
        match self.value(index)? {
            Value::String(text) => Ok(text),
            other => Err(wrong_type("string", other)),
        }
    }

    /// A `bool` argument.
    pub fn bool(self, index: usize) -> Result<bool, FunctionError> {
        match self.value(index)? {
            Value::Bool(value) => Ok(*value),
            other => Err(wrong_type("bool", other)),
        }
    }

    /// An argument of any signed integer type.
    pub fn int(self, index: usize) -> Result<i64, FunctionError> {
        let value = self.value(index)?;
        value.as_signed().ok_or_else(|| wrong_type("int", value))
    }

    /// A `float64` argument.
    pub fn float(self, index: usize) -> Result<f64, FunctionError> {
        match self.value(index)? {
            Value::Float(number) => Ok(*number),
            other => Err(wrong_type("float64", other)),
        }
    }

    /// A map argument.
    pub fn map(self, index: usize) -> Result<Map, FunctionError> {
        match self.value(index)? {
            Value::Map(map) => Ok(map.clone()),
            Value::Host(object) => match object.underlying() {
                Some(Value::Map(map)) => Ok(map),
                _ => Err(wrong_type("map[string]interface {}", self.value(index)?)),
            },
            Value::Nil => Ok(Map::nil(Element::Any)),
            other => Err(wrong_type("map[string]interface {}", other)),
        }
    }

    /// A slice argument.
    pub fn list(self, index: usize) -> Result<List, FunctionError> {
        match self.value(index)? {
            Value::List(list) => Ok(list.clone()),
            Value::Host(object) => match object.underlying() {
                Some(Value::List(list)) => Ok(list),
                _ => Err(wrong_type("[]interface {}", self.value(index)?)),
            },
            Value::Nil => Ok(List::nil(Element::Any)),
            other => Err(wrong_type("[]interface {}", other)),
        }
    }
}

fn wrong_type(expected: &str, got: &Value) -> FunctionError {
    FunctionError::new(format!("wrong type for value; expected {expected}; got {}", got.type_name()))
}

/// The execution a function is called from.
pub struct Call<'a> {
    pub(crate) run: &'a mut Run,
}

impl Call<'_> {
    /// The set being executed; a clone is cheap.
    pub fn templates(&self) -> &TemplateSet {
        &self.run.set
    }

    /// Executes a template of the set within this execution's budget, and returns its output.
    pub fn execute(&mut self, name: &str, data: Value) -> Result<Text, FunctionError> {
        Ok(self.run.nested(name, data, false)?.into())
    }

    /// Executes a template of another set (a changed clone of this one) within the same budget. For
    /// the provenance, what was read so far counts as the source of the template's text.
    pub fn execute_in(&mut self, set: TemplateSet, name: &str, data: Value) -> Result<Text, FunctionError> {
        let outer = std::mem::replace(&mut self.run.set, set);
        let result = self.run.nested(name, data, true);
        self.run.set = outer;
        Ok(result?.into())
    }

    /// Tells the provenance, if it is asked for, that a key of a map was read.
    pub fn note_read(&mut self, map: &Map, key: &Text) {
        if let Some(trace) = &mut self.run.trace {
            crate::exec::map_entry(trace, map, key);
        }
    }

    /// How this execution runs.
    pub fn options(&self) -> &Options {
        &self.run.options
    }

    /// The clock, or an error that names the function.
    pub fn clock(&self, function: &str) -> Result<Arc<dyn Clock>, FunctionError> {
        let missing = || FunctionError::new(format!("{function} needs a clock and none was given"));
        self.run.options.clock.clone().ok_or_else(missing)
    }

    /// The random source, or an error that names the function.
    pub fn random(&self, function: &str) -> Result<Arc<dyn RandomSource>, FunctionError> {
        let missing = || FunctionError::new(format!("{function} needs a random source and none was given"));
        self.run.options.random.clone().ok_or_else(missing)
    }

    /// Takes from the budget before a function makes `bytes` of text.
    pub fn charge_bytes(&mut self, bytes: usize) -> Result<(), FunctionError> {
        self.run.charge_bytes(bytes).map_err(FunctionError::over)
    }

    /// Takes from the budget before a function makes `items` of a list.
    pub fn charge_steps(&mut self, items: u64) -> Result<(), FunctionError> {
        self.run.charge_steps(items).map_err(FunctionError::over)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())
    }
}
