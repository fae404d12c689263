//! Executes trees.

mod call;
mod evaluate;
mod field;
mod walk;

use std::ops::Range;

use crate::error::{Error, Limit};
use crate::function::FunctionError;
use crate::options::Options;
use crate::parse::tree::{Located, Template};
use crate::set::TemplateSet;
use crate::value::Value;

/// Runs on a bigger stack when little of the present one is left: templates nest deeper than a
/// thread's stack is high.
pub(crate) fn with_stack<T>(body: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, body)
}

/// One execution with all that is nested in it.
pub(crate) struct Run {
    pub(crate) set: TemplateSet,
    pub(crate) options: Options,
    output: Vec<u8>,
    depth: usize,
    steps_left: u64,
    bytes_left: u64,
}

impl Run {
    pub(crate) fn new(set: TemplateSet, options: Options) -> Self {
        let budget = options.budget;
        Self {
            set,
            options,
            output: Vec::new(),
            depth: 0,
            steps_left: budget.steps,
            bytes_left: budget.output_bytes,
        }
    }

    pub(crate) fn execute(mut self, name: &str, data: Value) -> Result<Vec<u8>, Error> {
        self.execute_here(name, data)?;
        Ok(self.output)
    }

    /// Executes into a buffer of its own.
    pub(crate) fn nested(&mut self, name: &str, data: Value) -> Result<Vec<u8>, Error> {
        let outer = std::mem::take(&mut self.output);
        if let Some(tracer) = &self.options.tracer {
            tracer.borrow_mut().enter(name);
        }
        let result = with_stack(|| self.execute_here(name, data));
        if let Some(tracer) = &self.options.tracer {
            tracer.borrow_mut().leave();
        }
        let output = std::mem::replace(&mut self.output, outer);
        result.map(|()| output)
    }

    fn execute_here(&mut self, name: &str, data: Value) -> Result<(), Error> {
        let Some(template) = self.set.lookup(name).cloned() else {
            let quote = |name: &str| crate::format::go_quote(name.as_bytes());
            let (wanted, set) = (quote(name), quote(self.set.name()));
            let text = format!("template: no template {wanted} associated with template {set}");
            return Err(Error::Execute { text, cause: None });
        };
        let dot = Slot::plain(data);
        let mut state = State::new(self, &template, dot.clone());
        state.walk_list(&dot, &template.root).map(|_| ()).map_err(Error::from)
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
}

impl Slot {
    fn plain(value: Value) -> Self {
        Self { value, is_interface: false }
    }

    fn interface(value: Value) -> Self {
        Self { value, is_interface: true }
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
}

type Result<T, E = Box<Error>> = std::result::Result<T, E>;

impl<'r, 't> State<'r, 't> {
    fn new(run: &'r mut Run, template: &'t Template, dot: Slot) -> Self {
        Self { run, template, node: &template.root, variables: vec![("$", dot)] }
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

    fn step(&mut self) -> Result<()> {
        self.run.charge_steps(1).or_else(|limit| self.over(limit))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(limit) = self.run.charge_bytes(bytes.len()) {
            return self.over(limit);
        }
        if let Some(tracer) = &self.run.options.tracer {
            let span: Range<usize> = self.run.output.len()..self.run.output.len() + bytes.len();
            let source = &self.template.source;
            let (line, _) = source.place(self.node.position());
            tracer.borrow_mut().wrote(&source.name, line as u32, span);
        }
        self.run.output.extend_from_slice(bytes);
        Ok(())
    }

    fn trace_read(&self, names: &[String]) {
        if let Some(tracer) = &self.run.options.tracer {
            tracer.borrow_mut().read(names);
        }
    }
}

impl From<Box<Error>> for Error {
    fn from(error: Box<Error>) -> Self {
        *error
    }
}
