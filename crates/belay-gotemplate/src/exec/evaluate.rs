//! Pipelines, commands and operands.

use super::{Result, Slot, State, with_stack};
use crate::duration::{DURATION, Duration};
use crate::parse::tree::{
    ChainNode, CommandNode, IdentifierNode, Located, NumberNode, Operand, PipeNode, VariableNode,
};
use crate::value::{Type, Value};

impl<'t> State<'_, 't> {
    pub(super) fn evaluate_pipeline(&mut self, dot: &Slot, pipe: &'t PipeNode) -> Result<Slot> {
        self.at(pipe);
        let mut value = None;
        for command in &pipe.commands {
            let mut slot = with_stack(|| self.evaluate_command(dot, command, value.take()))?;
            slot.is_interface = false;
            value = Some(slot);
        }
        let mut slot = value.unwrap_or_else(Slot::missing);
        if !pipe.variables.is_empty() {
            slot = self.with_sources(slot);
        }
        for variable in &pipe.variables {
            if pipe.is_assign {
                self.set_variable(&variable.names[0], slot.clone())?;
            } else {
                self.variables.push((&variable.names[0], slot.clone()));
            }
        }
        Ok(slot)
    }

    pub(super) fn set_variable(&mut self, name: &str, value: Slot) -> Result<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn variable(&self, name: &str) -> Result<Slot> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => Ok(slot.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// `piped` is the value of the command before this one.
    fn evaluate_command(
        &mut self,
        dot: &Slot,
        command: &'t CommandNode,
        piped: Option<Slot>,
    ) -> Result<Slot> {
        self.step()?;
        let arguments = &command.arguments[..];
        let first = &arguments[0];
        match first {
            Operand::Field(node) => {
                self.at(node);
                return self.evaluate_fields(dot, dot.clone(), node, &node.names, &arguments[1..], piped);
            }
            Operand::Chain(node) => return self.evaluate_chain(dot, node, &arguments[1..], piped),
            Operand::Identifier(node) => {
                return self.evaluate_function(dot, node, command, &arguments[1..], piped);
            }
            Operand::Pipe(pipe) => {
                self.check_not_called(arguments, &piped)?;
                return self.evaluate_pipeline(dot, pipe);
            }
            Operand::Variable(node) => return self.evaluate_variable(dot, node, arguments, piped),
            _ => {}
        }
        self.at(first.located());
        self.check_not_called(arguments, &piped)?;
        match first {
            Operand::Bool(node) => Ok(Slot::plain(Value::Bool(node.value))),
            Operand::Dot(_) => {
                self.trace_use(dot);
                Ok(dot.clone())
            }
            Operand::Nil(_) => self.fail("nil is not a command"),
            Operand::Number(node) => self.ideal_constant(node),
            Operand::String(node) => Ok(Slot::plain(Value::String(node.text.clone()))),
            other => self
                .fail(format!("can't evaluate command {}", crate::format::go_quote(other.text().as_bytes()))),
        }
    }

    fn check_not_called(&self, arguments: &[Operand], piped: &Option<Slot>) -> Result<()> {
        if arguments.len() > 1 || piped.is_some() {
            return self.fail(format!("can't give argument to non-function {}", arguments[0].text()));
        }
        Ok(())
    }

    fn evaluate_chain(
        &mut self,
        dot: &Slot,
        chain: &'t ChainNode,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        self.at(chain);
        if matches!(*chain.node, Operand::Nil(_)) {
            let mut text = String::new();
            chain.write(&mut text);
            return self.fail(format!("indirection through explicit nil in {text}"));
        }
        let receiver = self.evaluate_argument(dot, None, &chain.node)?;
        self.evaluate_fields(dot, receiver, chain, &chain.fields, arguments, piped)
    }

    fn evaluate_variable(
        &mut self,
        dot: &Slot,
        node: &'t VariableNode,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        self.at(node);
        let value = self.variable(&node.names[0])?;
        if node.names.len() == 1 {
            if !arguments.is_empty() {
                self.check_not_called(arguments, &piped)?;
            }
            self.trace_use(&value);
            return Ok(value);
        }
        self.evaluate_fields(dot, value, node, &node.names[1..], arguments.get(1..).unwrap_or(&[]), piped)
    }

    pub(super) fn evaluate_function(
        &mut self,
        dot: &Slot,
        node: &'t IdentifierNode,
        place: &'t dyn Located,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        self.at(node);
        if let Some(function) = self.run.set.functions().get(&node.name).cloned() {
            return self.call_function(dot, &function, place, &node.name, arguments, piped);
        }
        match crate::builtin::find(&node.name) {
            Some(builtin) => self.call_builtin(dot, builtin, place, &node.name, arguments, piped),
            None => self
                .fail(format!("{} is not a defined function", crate::format::go_quote(node.name.as_bytes()))),
        }
    }

    /// An operand as an argument of the type; without one, as it is.
    pub(super) fn evaluate_argument(
        &mut self,
        dot: &Slot,
        wanted: Option<Type>,
        operand: &'t Operand,
    ) -> Result<Slot> {
        self.at(operand.located());
        let slot = match operand {
            Operand::Dot(_) => {
                self.trace_use(dot);
                dot.clone()
            }
            Operand::Nil(_) => {
                let wanted = wanted.unwrap_or(Type::Any);
                if wanted.can_be_nil() {
                    let is_interface = wanted == Type::Any;
                    return Ok(Slot::new(wanted.zero(), is_interface));
                }
                return self.fail(format!("cannot assign nil to {}", wanted.name()));
            }
            Operand::Field(node) => self.evaluate_fields(dot, dot.clone(), node, &node.names, &[], None)?,
            Operand::Variable(node) => self.evaluate_variable(dot, node, &[], None)?,
            Operand::Pipe(pipe) => with_stack(|| self.evaluate_pipeline(dot, pipe))?,
            Operand::Identifier(node) => self.evaluate_function(dot, node, node, &[], None)?,
            Operand::Chain(node) => self.evaluate_chain(dot, node, &[], None)?,
            Operand::Bool(_) | Operand::Number(_) | Operand::String(_) => {
                return self.constant(wanted.unwrap_or(Type::Any), operand);
            }
        };
        self.validate(slot, wanted)
    }

    fn constant(&mut self, wanted: Type, operand: &'t Operand) -> Result<Slot> {
        let expected = |what: &str| format!("expected {what}; found {}", operand.text());
        let value = match (wanted, operand) {
            (Type::Any | Type::Reflect, Operand::Number(node)) => return self.ideal_constant(node),
            (Type::Any | Type::Reflect | Type::Bool, Operand::Bool(node)) => Value::Bool(node.value),
            (Type::Any | Type::Reflect | Type::String, Operand::String(node)) => {
                Value::String(node.text.clone())
            }
            (Type::Bool, _) => return self.fail(expected("bool")),
            (Type::String, _) => return self.fail(expected("string")),
            (Type::Float64, Operand::Number(NumberNode { float: Some(float), .. })) => Value::Float(*float),
            (Type::Float64, _) => return self.fail(expected("float")),
            (Type::Int, Operand::Number(NumberNode { int: Some(int), .. })) => Value::Int(*int),
            (Type::Int64, Operand::Number(NumberNode { int: Some(int), .. })) => Value::Int64(*int),
            (Type::Int32, Operand::Number(NumberNode { int: Some(int), .. })) => Value::Int32(*int as i32),
            (Type::Named(DURATION), Operand::Number(NumberNode { int: Some(int), .. })) => {
                Value::host(Duration(*int))
            }
            (Type::Named(DURATION) | Type::Int | Type::Int64 | Type::Int32, _) => {
                return self.fail(expected("integer"));
            }
            (Type::Uint, Operand::Number(NumberNode { uint: Some(uint), .. })) => Value::Uint(*uint),
            (Type::Uint64, Operand::Number(NumberNode { uint: Some(uint), .. })) => Value::Uint64(*uint),
            (Type::Uint8, Operand::Number(NumberNode { uint: Some(uint), .. })) => Value::Uint8(*uint as u8),
            (Type::Uint | Type::Uint64 | Type::Uint8, _) => return self.fail(expected("unsigned integer")),
            _ => {
                let wanted = wanted.name();
                return self.fail(format!("can't handle {} for arg of type {wanted}", operand.text()));
            }
        };
        Ok(Slot::plain(value))
    }

    fn ideal_constant(&mut self, number: &'t NumberNode) -> Result<Slot> {
        self.at(number);
        let text = &number.text;
        let hex = text.len() > 2
            && (text.starts_with("0x") || text.starts_with("0X"))
            && !text.contains(['p', 'P']);
        let float_syntax = !hex && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P']);
        Ok(Slot::plain(match *number {
            NumberNode { complex: Some((real, imaginary)), .. } => Value::Complex(real, imaginary),
            NumberNode { float: Some(float), .. } if float_syntax => Value::Float(float),
            NumberNode { int: Some(int), .. } => Value::Int(int),
            NumberNode { uint: Some(_), .. } => return self.fail(format!("{text} overflows int")),
            _ => Value::Nil,
        }))
    }

    /// Guarantees that the value can be assigned to the type.
    pub(super) fn validate(&self, slot: Slot, wanted: Option<Type>) -> Result<Slot> {
        let Some(wanted) = wanted else {
            return Ok(slot);
        };
        if slot.is_missing() {
            if wanted == Type::Reflect {
                return Ok(slot);
            }
            if wanted.can_be_nil() {
                return Ok(Slot::new(wanted.zero(), wanted == Type::Any));
            }
            return self.fail(format!("invalid value; expected {}", wanted.name()));
        }
        if matches!(wanted, Type::Any | Type::Reflect)
            || (!slot.value.is_nil() && slot.value.is_assignable(wanted))
        {
            return Ok(slot);
        }
        let got = if slot.value.is_nil() { "interface {}".into() } else { slot.value.type_name() };
        self.fail(format!("wrong type for value; expected {}; got {got}", wanted.name()))
    }
}
