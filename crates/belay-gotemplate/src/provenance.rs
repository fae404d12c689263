//! Where output came from: the template and line that wrote it, the calls that led there, the data.
//!
//! [`TemplateSet::execute_traced`](crate::TemplateSet::execute_traced) returns it beside the output.
//! The spans of an output follow each other without gaps. What `include` or `tpl` returned and
//! further functions may have changed stays one span of the action that wrote it, and keeps the text
//! of the inner template with its own spans ([`Nested`]); [`Provenance::explain`] finds the inner
//! line again by its text.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::value::{Text, text_of};

/// The provenance of one output.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Its pieces in order.
    pub spans: Vec<Span>,
}

/// A piece of output that one node wrote.
#[derive(Clone, Debug)]
pub struct Span {
    /// Bytes of the output.
    pub output: Range<usize>,
    /// The template that wrote it, and who called it.
    pub frame: Arc<Frame>,
    /// The line its node begins at.
    pub line: u32,
    /// Whether it is text of the template itself and not the value of an action.
    pub is_literal: bool,
    /// The data the action read, variables and dot followed to where they were set; at most 64.
    pub reads: Vec<Path>,
    /// What inner templates returned to the action; at most 64.
    pub nested: Vec<Arc<Nested>>,
    /// The innermost `if`, `with` or `range` around the node.
    pub condition: Option<Arc<Condition>>,
}

/// A template that runs.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The template's name.
    pub template: Arc<str>,
    /// The name of the file that defines it.
    pub file: Arc<str>,
    /// The frame that called it, and the line there.
    pub caller: Option<(Arc<Frame>, u32)>,
}

/// The output of a template that a function executed.
#[derive(Clone, Debug)]
pub struct Nested {
    /// Its text, before further functions.
    pub output: Text,
    /// Where that text came from.
    pub provenance: Provenance,
    /// If the template's text was itself data (`tpl`): what was read to get it.
    pub text_reads: Vec<Path>,
}

/// An `if`, `with` or `range` whose body wrote something.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its line.
    pub line: u32,
    /// What its pipeline read.
    pub reads: Vec<Path>,
    /// The next one outwards, across calls.
    pub outer: Option<Arc<Condition>>,
}

/// A path from the data the template was executed with, such as `.Values.hosts[0].name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A key of a map or a field of an object.
    Key(Text),
    /// An index of a list.
    Index(usize),
}

/// One answer to the question where a piece of output came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The places from the executed template inwards; the last one wrote it.
    pub places: Vec<Place>,
    /// Whether it is text of the template itself.
    pub is_literal: bool,
    /// The data it was made from.
    pub reads: Vec<Path>,
    /// What the `if`s, `with`s and `range`s around it read, innermost first.
    pub conditions: Vec<Path>,
}

/// A line of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The template's name, such as `web.labels`.
    pub template: Arc<str>,
    /// The name of its file.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
}

impl Provenance {
    /// The origins of some bytes of the output, one for each node that wrote part of them, in order
    /// and without repetition.
    pub fn explain(&self, output: &[u8], range: Range<usize>) -> Vec<Origin> {
        let mut origins = Vec::new();
        self.collect(output, range, &mut origins);
        origins
    }

    /// Takes ranges (ascending, apart) out, as if they had not been written.
    pub fn remove(&mut self, ranges: &[Range<usize>]) {
        let shifted = |offset: usize| {
            let before = ranges.iter().take_while(|range| range.start < offset);
            offset - before.map(|range| range.end.min(offset) - range.start).sum::<usize>()
        };
        for span in &mut self.spans {
            span.output = shifted(span.output.start)..shifted(span.output.end);
        }
    }

    fn collect(&self, output: &[u8], range: Range<usize>, origins: &mut Vec<Origin>) {
        let first = self.spans.partition_point(|span| span.output.end <= range.start);
        for span in &self.spans[first..] {
            if span.output.start >= range.end {
                break;
            }
            let part = span.output.start.max(range.start)..span.output.end.min(range.end);
            crate::exec::with_stack(|| span.collect(output, part, origins));
        }
    }
}

impl Span {
    /// `part` lies within the span.
    fn collect(&self, output: &[u8], part: Range<usize>, origins: &mut Vec<Origin>) {
        if self.nested.is_empty() {
            return add(origins, self.origin(output, part.start));
        }
        let text = output.get(self.output.clone()).unwrap_or(&[]);
        let within = part.start - self.output.start..part.end - self.output.start;
        let found =
            self.nested.iter().find_map(|nested| Some((nested, counterpart(text, &within, &nested.output)?)));
        match found {
            Some((nested, range)) => nested.collect(range, origins),
            None => {
                for nested in &self.nested {
                    nested.collect(0..nested.output.len(), origins);
                }
                if !self.reads.is_empty() {
                    add(origins, self.origin(output, part.start));
                }
            }
        }
    }

    fn origin(&self, output: &[u8], at: usize) -> Origin {
        let mut line = self.line;
        if self.is_literal {
            let before = output.get(self.output.start..at).unwrap_or(&[]);
            line += before.iter().filter(|byte| **byte == b'\n').count() as u32;
        }
        let mut conditions = Vec::new();
        let mut condition = self.condition.as_ref();
        while let Some(present) = condition {
            for read in &present.reads {
                if !conditions.contains(read) {
                    conditions.push(read.clone());
                }
            }
            condition = present.outer.as_ref();
        }
        let places = self.frame.places(line);
        Origin { places, is_literal: self.is_literal, reads: self.reads.clone(), conditions }
    }
}

impl Nested {
    fn collect(&self, range: Range<usize>, origins: &mut Vec<Origin>) {
        let mut inner = Vec::new();
        self.provenance.collect(&self.output, range, &mut inner);
        for mut origin in inner {
            for read in &self.text_reads {
                if !origin.reads.contains(read) {
                    origin.reads.push(read.clone());
                }
            }
            add(origins, origin);
        }
    }
}

impl Frame {
    /// The places of the callers, outermost first, and then the line of this one.
    fn places(&self, line: u32) -> Vec<Place> {
        let mut places = Vec::new();
        let mut next = Some((self, line));
        while let Some((frame, line)) = next {
            places.push(Place { template: frame.template.clone(), file: frame.file.clone(), line });
            next = frame.caller.as_ref().map(|(caller, line)| (&**caller, *line));
        }
        places.reverse();
        places
    }
}

fn add(origins: &mut Vec<Origin>, origin: Origin) {
    if !origins.contains(&origin) {
        origins.push(origin);
    }
}

/// The part of `inner` that a part of `outer` was made from, going by the text of its line: functions
/// such as `nindent` and `trim` change only the space around lines.
fn counterpart(outer: &[u8], part: &Range<usize>, inner: &[u8]) -> Option<Range<usize>> {
    let line = lines(outer).find(|line| line.contains(&part.start) || line.end == part.start)?;
    let bare = trimmed(outer, line);
    let text = &outer[bare.clone()];
    let nth = lines(outer)
        .take_while(|line| line.end < bare.start)
        .filter(|line| &outer[trimmed(outer, line.clone())] == text)
        .count();
    let same = |line: &Range<usize>| &inner[line.clone()] == text;
    let found = lines(inner).map(|line| trimmed(inner, line)).filter(same).nth(nth)?;
    let offset = |place: usize| found.start + place.clamp(bare.start, bare.end) - bare.start;
    let (start, end) = (offset(part.start), offset(part.end));
    Some(start..end.max((start + 1).min(found.end)))
}

/// The lines without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split(|byte| *byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end + 1;
        range
    })
}

fn trimmed(text: &[u8], line: Range<usize>) -> Range<usize> {
    let bytes = &text[line.clone()];
    let start = line.start + bytes.len() - bytes.trim_ascii_start().len();
    start..start + bytes.trim_ascii().len()
}

impl Path {
    /// Whether this path leads to the other, or on the way there.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for step in &self.0 {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_name(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{:?}]", text_of(key))?,
            }
        }
        Ok(())
    }
}

fn is_name(key: &[u8]) -> bool {
    key.first().is_some_and(|byte| !byte.is_ascii_digit())
        && key.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
