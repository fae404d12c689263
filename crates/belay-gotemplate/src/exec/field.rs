//! Fields, map keys and methods.

use super::trace::Chain;
use super::{Result, Slot, State};
use crate::function::{Function, FunctionError, Signature};
use crate::options::MissingKey;
use crate::parse::tree::{Located, Operand};
use crate::value::{Element, Map, Type, Value};
use std::rc::Rc;

impl<'t> State<'_, 't> {
    /// `.X.Y.Z` of the receiver, perhaps with arguments for the last one.
    pub(super) fn evaluate_fields(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        node: &'t dyn Located,
        names: &'t [String],
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        let Some((last, first)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        if self.run.trace.is_some() {
            return self.evaluate_traced(dot, receiver, node, names, arguments, piped);
        }
        for name in first {
            receiver = self.evaluate_field(dot, name, node, &[], None, receiver)?;
        }
        self.evaluate_field(dot, last, node, arguments, piped, receiver)
    }

    /// The same, and tells which data the chain led through.
    fn evaluate_traced(
        &mut self,
        dot: &Slot,
        mut receiver: Slot,
        node: &'t dyn Located,
        names: &'t [String],
        arguments: &'t [Operand],
        mut piped: Option<Slot>,
    ) -> Result<Slot> {
        let began = receiver.sources.take();
        let mut chain = Chain::new();
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            let arguments = if is_last { arguments } else { &[] };
            let piped = if is_last { piped.take() } else { None };
            let container = receiver.value.clone();
            receiver = self.evaluate_field(dot, name, node, arguments, piped, receiver)?;
            if let Some(trace) = &mut self.run.trace {
                chain.step(trace, &container, name, &receiver.value);
            }
        }
        if let Some(trace) = &mut self.run.trace {
            chain.end(trace, &began);
        }
        Ok(receiver)
    }

    fn evaluate_field(
        &mut self,
        dot: &Slot,
        name: &'t str,
        node: &'t dyn Located,
        arguments: &'t [Operand],
        piped: Option<Slot>,
        receiver: Slot,
    ) -> Result<Slot> {
        if receiver.value.is_nil() {
            if receiver.is_interface {
                return self.fail(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            if self.run.options.missing_key == MissingKey::Error {
                let name = crate::format::go_quote(name.as_bytes());
                return self.fail(format!("nil data; no entry for key {name}"));
            }
            return Ok(Slot::missing());
        }
        let has_arguments = !arguments.is_empty() || piped.is_some();
        match &receiver.value {
            Value::Map(map) => {
                let method =
                    map.type_name().and_then(|go_type| self.run.set.functions().method(go_type, name));
                match method.cloned() {
                    Some(method) => self.call_map_method(dot, map, &method, node, name, arguments, piped),
                    None => self.map_entry(map, name, has_arguments),
                }
            }
            Value::Host(object) => {
                if let Some(signature) = object.method(name) {
                    return self.call_method(dot, object.clone(), signature, node, name, arguments, piped);
                }
                if let Some(value) = object.field(name) {
                    if has_arguments {
                        return self.fail(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(Slot::plain(value));
                }
                match object.underlying() {
                    Some(Value::Map(map)) => self.map_entry(&map, name, has_arguments),
                    _ if object.hides(name) => {
                        let of = receiver.type_name();
                        self.fail(format!("{name} is an unexported field of struct type {of}"))
                    }
                    _ => self.no_field(name, &receiver),
                }
            }
            _ => self.no_field(name, &receiver),
        }
    }

    fn no_field(&self, name: &str, receiver: &Slot) -> Result<Slot> {
        self.fail(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    fn map_entry(&self, map: &Map, name: &str, has_arguments: bool) -> Result<Slot> {
        if has_arguments {
            return self.fail(format!("{name} is not a method but has arguments"));
        }
        let is_interface = map.element() == Element::Any;
        if let Some(value) = map.get(name) {
            return Ok(Slot::new(value, is_interface));
        }
        match self.run.options.missing_key {
            MissingKey::Default => Ok(Slot::missing()),
            MissingKey::Zero => Ok(Slot::new(map.element().as_type().zero(), is_interface)),
            MissingKey::Error => {
                let name = crate::format::go_quote(name.as_bytes());
                self.fail(format!("map has no entry for key {name}"))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, as in call_function")]
    fn call_map_method(
        &mut self,
        dot: &Slot,
        map: &Map,
        method: &Function,
        node: &'t dyn Located,
        name: &'t str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        let mut values = vec![Value::Map(map.clone())];
        values.extend(self.evaluate_arguments(dot, method.signature(), name, arguments, piped)?);
        let result = method.call(&mut crate::function::Call { run: self.run }, &values);
        self.called(result, method.signature().result, node, name)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, as in call_function")]
    fn call_method(
        &mut self,
        dot: &Slot,
        object: Rc<dyn crate::host::HostObject>,
        signature: Signature,
        node: &'t dyn Located,
        name: &'t str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        let values = self.evaluate_arguments(dot, &signature, name, arguments, piped)?;
        if let Some(refusal) = signature.refusal {
            return self.fail(refusal);
        }
        let mut call = crate::function::Call { run: self.run };
        let result = object.call(name, &mut call, &values);
        self.called(result, signature.result, node, name)
    }

    /// What a call gave.
    fn called(
        &mut self,
        result: std::result::Result<Value, FunctionError>,
        result_type: Type,
        place: &'t dyn Located,
        name: &'t str,
    ) -> Result<Slot> {
        self.check_walks()?;
        match result {
            Ok(value) => {
                self.check_built(&value)?;
                Ok(result_slot(value, result_type))
            }
            Err(error) => {
                self.at(place);
                self.failed_call(name, error)
            }
        }
    }

    pub(super) fn call_function(
        &mut self,
        dot: &Slot,
        function: &Function,
        place: &'t dyn Located,
        name: &'t str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        let values = self.evaluate_arguments(dot, function.signature(), name, arguments, piped)?;
        let mut call = crate::function::Call { run: self.run };
        let result = function.call(&mut call, &values);
        self.called(result, function.signature().result, place, name)
    }
}

fn result_slot(value: Value, result: Type) -> Slot {
    if result == Type::Any { Slot::interface(value) } else { Slot::plain(value) }
}
