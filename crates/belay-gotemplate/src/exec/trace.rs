//! Records where output comes from, when it is asked for.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::{Slot, State};
use crate::parse::tree::{Located, Template};
use crate::provenance::{Condition, Frame, Nested, Path, Provenance, Span, Step};
use crate::value::{Map, Text, Value};

/// More reads of one action are not kept.
const MAX_SOURCES: usize = 64;

/// What is known of the present execution.
pub(crate) struct Trace {
    known: Known,
    spans: Vec<Span>,
    sources: Sources,
    /// The statement that is being executed.
    place: Option<(Arc<Frame>, u32)>,
    condition: Option<Arc<Condition>>,
}

/// What a value was made from.
#[derive(Clone, Default)]
pub(super) struct Sources {
    reads: Vec<Path>,
    nested: Vec<Arc<Nested>>,
}

/// What the outer execution has to find again after a nested one.
pub(super) struct Outer {
    spans: Vec<Span>,
    sources: Sources,
    place: Option<(Arc<Frame>, u32)>,
    text_reads: Vec<Path>,
}

impl Sources {
    fn read(&mut self, path: Path) {
        if self.reads.len() < MAX_SOURCES && !self.reads.contains(&path) {
            self.reads.push(path);
        }
    }

    fn add(&mut self, other: &Self) {
        for path in &other.reads {
            self.read(path.clone());
        }
        for nested in &other.nested {
            let is_new = !self.nested.iter().any(|known| Arc::ptr_eq(known, nested));
            if is_new && self.nested.len() < MAX_SOURCES {
                self.nested.push(nested.clone());
            }
        }
    }

    /// The reads without those that only led to others.
    fn reads(&self) -> Vec<Path> {
        let leads_on = |path: &Path| self.reads.iter().any(|other| path != other && path.is_prefix_of(other));
        self.reads.iter().filter(|path| !leads_on(path)).cloned().collect()
    }
}

impl Trace {
    pub(crate) fn new(data: &Value) -> Self {
        let known = Known::of(data);
        Self { known, spans: Vec::new(), sources: Sources::default(), place: None, condition: None }
    }

    pub(crate) fn finish(self) -> Provenance {
        Provenance { spans: self.spans }
    }

    /// The frame of a template that is called from the present statement.
    pub(super) fn frame(&self, template: &Template) -> Arc<Frame> {
        let (template, file) = (template.name.clone(), template.source.name.clone());
        Arc::new(Frame { template, file, caller: self.place.clone() })
    }

    pub(super) fn begin_nested(&mut self, text_is_data: bool) -> Outer {
        let sources = std::mem::take(&mut self.sources);
        let text_reads = if text_is_data { sources.reads() } else { Vec::new() };
        Outer { spans: std::mem::take(&mut self.spans), sources, place: self.place.clone(), text_reads }
    }

    pub(super) fn end_nested(&mut self, outer: Outer, output: &[u8]) {
        let spans = std::mem::replace(&mut self.spans, outer.spans);
        self.sources = outer.sources;
        self.place = outer.place;
        if self.sources.nested.len() < MAX_SOURCES {
            let (output, provenance) = (output.into(), Provenance { spans });
            self.sources.nested.push(Arc::new(Nested { output, provenance, text_reads: outer.text_reads }));
        }
    }

    /// A statement begins.
    pub(super) fn begin(&mut self, frame: &Option<Arc<Frame>>, line: usize) {
        self.place = frame.clone().map(|frame| (frame, line as u32));
        self.sources = Sources::default();
    }

    pub(super) fn wrote(&mut self, output: Range<usize>, is_literal: bool) {
        let Some((frame, line)) = self.place.clone() else { return };
        let (reads, nested) = match is_literal {
            true => (Vec::new(), Vec::new()),
            false => (self.sources.reads(), self.sources.nested.clone()),
        };
        let condition = self.condition.clone();
        self.spans.push(Span { output, frame, line, is_literal, reads, nested, condition });
    }

    /// What was read since the statement began.
    pub(super) fn sources(&self) -> Arc<Sources> {
        Arc::new(self.sources.clone())
    }

    pub(super) fn add(&mut self, sources: &Option<Arc<Sources>>) {
        if let Some(sources) = sources {
            self.sources.add(sources);
        }
    }

    /// A field or key of a container was read; nothing happens if the container is not of the data.
    pub(crate) fn read_entry(&mut self, container: &Value, step: Step) {
        if let Some(mut path) = self.known.path(container) {
            path.0.push(step);
            self.sources.read(path);
        }
    }

    /// Remembers a condition while its body runs; returns the one around it.
    pub(super) fn enter_body(&mut self) -> Option<Arc<Condition>> {
        let outer = self.condition.take();
        let line = self.place.as_ref().map_or(0, |(_, line)| *line);
        self.condition =
            Some(Arc::new(Condition { line, reads: self.sources.reads(), outer: outer.clone() }));
        outer
    }

    pub(super) fn leave_body(&mut self, outer: Option<Arc<Condition>>) {
        self.condition = outer;
    }

    /// The sources of an item of a list or map that is ranged over.
    pub(super) fn item(
        &self,
        over: &Value,
        step: Step,
        sources: &Option<Arc<Sources>>,
    ) -> Option<Arc<Sources>> {
        match self.known.path(over) {
            Some(mut path) => {
                path.0.push(step);
                Some(Arc::new(Sources { reads: vec![path], nested: Vec::new() }))
            }
            None => sources.clone(),
        }
    }
}

/// Follows a chain of fields through the data.
pub(super) struct Chain {
    path: Option<Path>,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { path: None }
    }

    /// The chain goes from `container` to its field, which is `found`.
    pub(super) fn step(&mut self, trace: &mut Trace, container: &Value, name: &str, found: &Value) {
        let step = Step::Key(name.into());
        trace.known.learn(container, &step, found);
        if let Some(path) = trace.known.path(container) {
            self.path = Some(path);
        }
        if let Some(path) = &mut self.path {
            path.0.push(step);
        }
    }

    /// The chain ends; what it began with counts if it did not lead through the data.
    pub(super) fn end(self, trace: &mut Trace, began: &Option<Arc<Sources>>) {
        match self.path {
            Some(path) => trace.sources.read(path),
            None => trace.add(began),
        }
    }
}

/// The maps and lists of the data by their identity, however a template gets hold of them.
struct Known {
    entries: HashMap<usize, (usize, Step)>,
    root: usize,
    /// Keeps what was learnt alive, so that an identity is never used again.
    kept: Vec<Value>,
}

impl Known {
    /// The shortest path to each map and list of the data.
    fn of(data: &Value) -> Self {
        let root = identity(data).unwrap_or(0);
        let mut known = Self { entries: HashMap::new(), root, kept: vec![data.clone()] };
        let mut open = VecDeque::from([data.clone()]);
        while let Some(container) = open.pop_front() {
            for (step, value) in children(&container) {
                if known.learn(&container, &step, &value) {
                    open.push_back(value);
                }
            }
        }
        known
    }

    /// Whether it is a container that was not known.
    fn learn(&mut self, container: &Value, step: &Step, value: &Value) -> bool {
        let (Some(parent), Some(own)) = (identity(container), identity(value)) else {
            return false;
        };
        let is_known = |identity| identity == self.root || self.entries.contains_key(&identity);
        if !is_known(parent) || is_known(own) {
            return false;
        }
        self.entries.insert(own, (parent, step.clone()));
        self.kept.push(value.clone());
        true
    }

    fn path(&self, container: &Value) -> Option<Path> {
        let mut at = identity(container)?;
        let mut steps = Vec::new();
        while at != self.root {
            let (parent, step) = self.entries.get(&at)?;
            steps.push(step.clone());
            at = *parent;
        }
        steps.reverse();
        Some(Path(steps))
    }
}

/// The address of a map or list; each entry's parent was known before it, so there are no cycles.
fn identity(value: &Value) -> Option<usize> {
    match value {
        Value::Map(map) => map.address(),
        Value::List(list) => list.address(),
        _ => None,
    }
}

fn children(container: &Value) -> Vec<(Step, Value)> {
    match container {
        Value::Map(map) => map.entries().into_iter().map(|(key, value)| (Step::Key(key), value)).collect(),
        Value::List(list) => {
            list.items().iter().enumerate().map(|(index, item)| (Step::Index(index), item.clone())).collect()
        }
        _ => Vec::new(),
    }
}

impl<'t> State<'_, 't> {
    /// A statement begins at the node.
    pub(super) fn trace_statement(&mut self, node: &'t dyn Located) {
        if let Some(trace) = &mut self.run.trace {
            let (line, _) = self.template.source.place(node.position());
            trace.begin(&self.frame, line);
        }
    }

    /// The value now has the sources read so far.
    pub(super) fn with_sources(&self, mut slot: Slot) -> Slot {
        if let Some(trace) = &self.run.trace {
            slot.sources = Some(trace.sources());
        }
        slot
    }

    /// The value is used.
    pub(super) fn trace_use(&mut self, slot: &Slot) {
        if let Some(trace) = &mut self.run.trace {
            trace.add(&slot.sources);
        }
    }

    /// The builtin `index` went from a container along the keys.
    pub(super) fn trace_index(&mut self, slots: &[Slot]) {
        let (Some(trace), [container, keys @ ..]) = (&mut self.run.trace, slots) else {
            return;
        };
        let Some(mut path) = trace.known.path(&container.value) else { return };
        for key in keys {
            match (&key.value, key.value.as_signed()) {
                (Value::String(key), _) => path.0.push(Step::Key(key.clone())),
                (_, Some(index)) => path.0.push(Step::Index(usize::try_from(index).unwrap_or(0))),
                _ => break,
            }
        }
        trace.sources.read(path);
    }
}

/// A key of a map was read by a function.
pub(crate) fn map_entry(trace: &mut Trace, map: &Map, key: &Text) {
    trace.read_entry(&Value::Map(map.clone()), Step::Key(key.clone()));
}
