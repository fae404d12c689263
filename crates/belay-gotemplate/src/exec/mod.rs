//! Executes trees.

mod call;
mod evaluate;
mod field;
mod trace;
mod walk;

use std::sync::Arc;

use crate::error::{Error, Limit};
use crate::function::FunctionError;
use crate::options::Options;
use crate::parse::tree::{Located, Template};
use crate::provenance::{Frame, Provenance};
use crate::set::TemplateSet;
use crate::value::Value;
pub(crate) use trace::{Trace, map_entry};

/// Runs on a bigger stack when little of the present one is left: templates nest deeper than a
/// thread's stack is high.
pub(crate) fn with_stack<T>(body: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, body)
}

/// Texts that functions give on the way to the output may come to so many times the output's limit.
const TEXTS_PER_OUTPUT: u64 = 16;

/// One execution with all that is nested in it.
pub(crate) struct Run {
    pub(crate) set: TemplateSet,
    pub(crate) options: Options,
    /// Present only when provenance is asked for.
    pub(crate) trace: Option<Box<Trace>>,
    output: Vec<u8>,
    /// Templates within templates, in all executions.
    depth: usize,
    /// The same in this execution alone, which is what Go counts.
    own_depth: usize,
    steps_left: u64,
    bytes_left: u64,
    built_left: u64,
}

impl Run {
    pub(crate) fn new(set: TemplateSet, options: Options) -> Self {
        let budget = options.budget;
        // What another execution left behind.
        crate::descent::gave_up();
        Self {
            set,
            options,
            trace: None,
            output: Vec::new(),
            depth: 0,
            own_depth: 0,
            steps_left: budget.steps,
            bytes_left: budget.output_bytes,
            built_left: budget.output_bytes.saturating_mul(TEXTS_PER_OUTPUT),
        }
    }

    pub(crate) fn execute(mut self, name: &str, data: Value) -> Result<Vec<u8>, Error> {
        self.execute_here(name, Slot::plain(data))?;
        Ok(self.output)
    }

    pub(crate) fn execute_traced(mut self, name: &str, data: Value) -> Result<(Vec<u8>, Provenance), Error> {
        self.trace = Some(Box::new(Trace::new(&data)));
        self.execute_here(name, Slot::plain(data))?;
        Ok((self.output, self.trace.map(|trace| trace.finish()).unwrap_or_default()))
    }

    /// Executes into a buffer of its own.
    pub(crate) fn nested(&mut self, name: &str, data: Value, text_is_data: bool) -> Result<Vec<u8>, Error> {
        let outer = std::mem::take(&mut self.output);
        let mut dot = Slot::plain(data);
        let traced = self.trace.as_mut().map(|trace| {
            dot.sources = Some(trace.sources());
            trace.begin_nested(text_is_data)
        });
        let result = with_stack(|| self.execute_here(name, dot));
        let output = std::mem::replace(&mut self.output, outer);
        if let (Some(trace), Some(outer)) = (&mut self.trace, traced) {
            trace.end_nested(outer, &output);
        }
        result.map(|()| output)
    }

    fn execute_here(&mut self, name: &str, dot: Slot) -> Result<(), Error> {
        let Some(template) = self.set.lookup(name).cloned() else {
            let quote = |name: &str| crate::format::go_quote(name.as_bytes());
            let (wanted, set) = (quote(name), quote(self.set.name()));
            let text = format!("template: no template {wanted} associated with template {set}");
            return Err(Error::Execute { text, cause: None });
        };
        let outer = std::mem::take(&mut self.own_depth);
        let mut state = State::new(self, &template, dot.clone());
        let result = state.walk_list(&dot, &template.root).map(|_| ()).map_err(Error::from);
        self.own_depth = outer;
        result
    }

    pub(crate) fn charge_steps(&mut self, steps: u64) -> Result<(), Limit> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(Limit::Steps)?;
        Ok(())
    }

    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Result<(), Limit> {
        self.bytes_left = self.bytes_left.checked_sub(bytes as u64).ok_or(Limit::OutputBytes)?;
        Ok(())
    }
}

/// A value together with what Go's reflection knows of it: whether its static type is `interface {}`
/// (an element of a map or list) or its own. A nil interface and no value at all behave differently.
#[derive(Clone)]
struct Slot {
    value: Value,
    is_interface: bool,
    /// What a variable or dot was made from, when provenance is asked for.
    sources: Option<Arc<trace::Sources>>,
}

impl Slot {
    fn new(value: Value, is_interface: bool) -> Self {
        Self { value, is_interface, sources: None }
    }

    fn plain(value: Value) -> Self {
        Self::new(value, false)
    }

    fn interface(value: Value) -> Self {
        Self::new(value, true)
    }

    /// No value at all.
    fn missing() -> Self {
        Self::plain(Value::Nil)
    }

    fn is_missing(&self) -> bool {
        self.value.is_nil() && !self.is_interface
    }

    fn type_name(&self) -> String {
        if self.is_interface { "interface {}".to_owned() } else { self.value.type_name().into_owned() }
    }
}

/// What follows a node: the next one, or the way out of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The execution of one template.
struct State<'r, 't> {
    run: &'r mut Run,
    template: &'t Template,
    /// The node errors point at.
    node: &'t dyn Located,
    variables: Vec<(&'t str, Slot)>,
    /// Present only when provenance is asked for.
    frame: Option<Arc<Frame>>,
}

type Result<T, E = Box<Error>> = std::result::Result<T, E>;

impl<'r, 't> State<'r, 't> {
    fn new(run: &'r mut Run, template: &'t Template, dot: Slot) -> Self {
        let frame = run.trace.as_ref().map(|trace| trace.frame(template));
        Self { run, template, node: &template.root, variables: vec![("$", dot)], frame }
    }

    fn at(&mut self, node: &'t dyn Located) {
        self.node = node;
    }

    /// An error at the present node.
    fn fail<T>(&self, message: impl AsRef<str>) -> Result<T> {
        Err(Box::new(Error::Execute { text: self.placed(message.as_ref()), cause: None }))
    }

    fn over<T>(&self, limit: Limit) -> Result<T> {
        let text = self.placed(&format!("the limit of {limit} is exceeded"));
        Err(Box::new(Error::Limit { limit, text }))
    }

    fn failed_call<T>(&self, name: &str, error: FunctionError) -> Result<T> {
        let text = self.placed(&format!("error calling {name}: {error}"));
        Err(Box::new(match error.limit() {
            Some(limit) => Error::Limit { limit, text },
            None => Error::Execute { text, cause: Some(Box::new(error)) },
        }))
    }

    fn placed(&self, message: &str) -> String {
        let source = &self.template.source;
        let (line, column) = source.place(self.node.position());
        let mut context = String::new();
        self.node.write(&mut context);
        let name = crate::format::go_quote(self.template.name.as_bytes());
        format!("template: {}:{line}:{column}: executing {name} at <{context}>: {message}", source.name)
    }

    /// Whether a value was too deep or too large to be written out.
    fn check_walks(&self) -> Result<()> {
        if crate::descent::gave_up() { self.over(Limit::OutputBytes) } else { Ok(()) }
    }

    /// Whether what a function gave still has room: one that only joins texts can double them each time.
    fn check_built(&mut self, value: &Value) -> Result<()> {
        let Value::String(text) = value else { return Ok(()) };
        match self.run.built_left.checked_sub(text.len() as u64) {
            Some(left) => {
                self.run.built_left = left;
                Ok(())
            }
            None => self.over(Limit::OutputBytes),
        }
    }

    fn step(&mut self) -> Result<()> {
        self.run.charge_steps(1).or_else(|limit| self.over(limit))
    }

    fn write(&mut self, bytes: &[u8], is_literal: bool) -> Result<()> {
        self.check_walks()?;
        if let Err(limit) = self.run.charge_bytes(bytes.len()) {
            return self.over(limit);
        }
        let start = self.run.output.len();
        self.run.output.extend_from_slice(bytes);
        if let Some(trace) = &mut self.run.trace {
            trace.wrote(start..self.run.output.len(), is_literal);
        }
        Ok(())
    }
}

impl From<Box<Error>> for Error {
    fn from(error: Box<Error>) -> Self {
        *error
    }
}
