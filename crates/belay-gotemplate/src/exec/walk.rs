//! Text, actions and control structures.

use super::trace::Sources;
use super::{Flow, Result, Slot, State, with_stack};
use crate::format::sprint_one;
use crate::parse::tree::{ActionNode, Branch, ListNode, Located, Node, TemplateNode};
use crate::provenance::Step;
use crate::value::{Kind, Value};
use std::sync::Arc;

type Origin = Option<Arc<Sources>>;

/// Go's own limit of templates within templates.
const GO_MAX_DEPTH: usize = 100_000;

impl<'t> State<'_, 't> {
    pub(super) fn walk_list(&mut self, dot: &Slot, list: &'t ListNode) -> Result<Flow> {
        self.at(list);
        for node in &list.nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Slot, node: &'t Node) -> Result<Flow> {
        self.at(node.located());
        self.step()?;
        self.trace_statement(node.located());
        match node {
            Node::Text(text) => self.write(text.text.as_bytes(), true)?,
            Node::Action(action) => self.walk_action(dot, action)?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
            Node::If(branch) | Node::With(branch) => return with_stack(|| self.walk_if_or_with(dot, branch)),
            Node::Range(branch) => return with_stack(|| self.walk_range(dot, branch)),
            Node::Template(template) => self.walk_template(dot, template)?,
        }
        Ok(Flow::Next)
    }

    fn walk_action(&mut self, dot: &Slot, action: &'t ActionNode) -> Result<()> {
        let slot = self.evaluate_pipeline(dot, &action.pipe)?;
        if !action.pipe.variables.is_empty() {
            return Ok(());
        }
        self.at(action);
        if slot.value.is_nil() {
            return self.write(b"<no value>", false);
        }
        match &slot.value {
            Value::String(text) => self.write(text.as_bytes(), false),
            Value::Function(_) => {
                let mut text = String::new();
                action.write(&mut text);
                self.fail(format!("can't print {text} of type {}", slot.value.type_name()))
            }
            Value::Host(object) if let Some(text) = object.addressed_text() => {
                self.write(text.as_bytes(), false)
            }
            value => self.write(&sprint_one(value), false),
        }
    }

    fn walk_if_or_with(&mut self, dot: &Slot, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.len();
        let slot = self.evaluate_pipeline(dot, &branch.pipe)?;
        let slot = self.with_sources(slot);
        let flow = if slot.value.is_true() {
            let dot = if branch.keyword == "with" { &slot } else { dot };
            self.walk_body(dot, &branch.list)?
        } else if let Some(otherwise) = &branch.otherwise {
            self.walk_body(dot, otherwise)?
        } else {
            Flow::Next
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// The body of a control structure whose pipeline was evaluated just now.
    fn walk_body(&mut self, dot: &Slot, list: &'t ListNode) -> Result<Flow> {
        let outer = self.run.trace.as_mut().map(|trace| trace.enter_body());
        let flow = self.walk_list(dot, list);
        if let (Some(trace), Some(outer)) = (&mut self.run.trace, outer) {
            trace.leave_body(outer);
        }
        flow
    }

    fn walk_range(&mut self, dot: &Slot, range: &'t Branch) -> Result<Flow> {
        let mark = self.variables.len();
        let over = self.evaluate_pipeline(dot, &range.pipe)?;
        let over = self.with_sources(over);
        let outer = self.run.trace.as_mut().map(|trace| trace.enter_body());
        let ran = self.iterate(range, &over.value, &over.sources)?;
        let flow = match (&range.otherwise, ran) {
            (Some(otherwise), false) => self.walk_list(dot, otherwise)?,
            _ => Flow::Next,
        };
        if let (Some(trace), Some(outer)) = (&mut self.run.trace, outer) {
            trace.leave_body(outer);
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// An item that is ranged over, with what it was made from.
    fn item(
        &self,
        value: Value,
        is_interface: bool,
        over: &Value,
        step: impl FnOnce() -> Step,
        sources: &Origin,
    ) -> Slot {
        let mut slot = Slot::new(value, is_interface);
        if let Some(trace) = &self.run.trace {
            slot.sources = trace.item(over, step(), sources);
        }
        slot
    }

    /// Whether there was anything to iterate over.
    fn iterate(&mut self, range: &'t Branch, over: &Value, sources: &Origin) -> Result<bool> {
        match over {
            Value::Nil => Ok(false),
            Value::List(list) => {
                let is_interface = list.element() == crate::value::Element::Any;
                for (index, item) in list.items().iter().enumerate() {
                    let item = self.item(item.clone(), is_interface, over, || Step::Index(index), sources);
                    if !self.iteration(range, Slot::plain(Value::Int(index as i64)), item)? {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    let item = Slot::plain(Value::Uint8(*byte));
                    if !self.iteration(range, Slot::plain(Value::Int(index as i64)), item)? {
                        break;
                    }
                }
                Ok(!bytes.is_empty())
            }
            Value::Map(map) => {
                let entries = map.entries();
                let is_interface = map.element() == crate::value::Element::Any;
                let any = !entries.is_empty();
                for (key, value) in entries {
                    let value = self.item(value, is_interface, over, || Step::Key(key.clone()), sources);
                    if !self.iteration(range, Slot::plain(Value::String(key)), value)? {
                        break;
                    }
                }
                Ok(any)
            }
            Value::Host(object) => match object.underlying() {
                Some(value) if !matches!(value, Value::String(_)) => self.iterate(range, &value, sources),
                None if object.kind() == Kind::Ptr || object.kind() == Kind::Struct => {
                    self.cannot_iterate(over)
                }
                _ => self.cannot_iterate(over),
            },
            _ => match (over.as_signed(), over.as_unsigned()) {
                (Some(count), _) => self.count(range, over, count),
                (_, Some(count)) => self.count(range, over, i64::try_from(count).unwrap_or(i64::MAX)),
                _ => self.cannot_iterate(over),
            },
        }
    }

    fn cannot_iterate(&self, over: &Value) -> Result<bool> {
        self.fail(format!("range can't iterate over {}", String::from_utf8_lossy(&sprint_one(over))))
    }

    fn count(&mut self, range: &'t Branch, over: &Value, count: i64) -> Result<bool> {
        if range.pipe.variables.len() > 1 {
            let text = String::from_utf8_lossy(&sprint_one(over)).into_owned();
            return self.fail(format!("can't use {text} to iterate over more than one variable"));
        }
        for number in 0..count {
            let item = match over {
                Value::Int(_) => Value::Int(number),
                Value::Int32(_) => Value::Int32(number as i32),
                Value::Int64(_) => Value::Int64(number),
                Value::Uint8(_) => Value::Uint8(number as u8),
                Value::Uint(_) => Value::Uint(number as u64),
                _ => Value::Uint64(number as u64),
            };
            if !self.iteration(range, Slot::missing(), Slot::plain(item))? {
                break;
            }
        }
        Ok(count > 0)
    }

    /// One iteration; false when the loop is left.
    fn iteration(&mut self, range: &'t Branch, index: Slot, item: Slot) -> Result<bool> {
        self.step()?;
        let mark = self.variables.len();
        let names = &range.pipe.variables;
        if range.pipe.is_assign {
            if let [first, second] = &names[..] {
                self.set_variable(&first.names[0], index)?;
                self.set_variable(&second.names[0], item.clone())?;
            } else if let Some(first) = names.first() {
                self.set_variable(&first.names[0], item.clone())?;
            }
        } else {
            if !names.is_empty() {
                self.variables[mark - 1].1 = item.clone();
            }
            if names.len() > 1 {
                self.variables[mark - 2].1 = index;
            }
        }
        let flow = self.walk_list(&item, &range.list)?;
        self.variables.truncate(mark);
        Ok(flow != Flow::Break)
    }

    fn walk_template(&mut self, dot: &Slot, node: &'t TemplateNode) -> Result<()> {
        let Some(template) = self.run.set.lookup(&node.name).cloned() else {
            let name = crate::format::go_quote(node.name.as_bytes());
            return self.fail(format!("template {name} not defined"));
        };
        if self.run.depth >= self.run.options.budget.depth {
            return self.over(crate::error::Limit::Depth);
        }
        if self.run.own_depth >= GO_MAX_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({GO_MAX_DEPTH})"));
        }
        let dot = match &node.pipe {
            Some(pipe) => self.evaluate_pipeline(dot, pipe)?,
            None => Slot::missing(),
        };
        let dot = self.with_sources(dot);
        self.run.depth += 1;
        self.run.own_depth += 1;
        let mut state = State::new(self.run, &template, dot.clone());
        let result = with_stack(|| state.walk_list(&dot, &template.root));
        self.run.depth -= 1;
        self.run.own_depth -= 1;
        result.map(|_| ())
    }
}
