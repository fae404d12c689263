//! Arguments of calls, and the builtins that short-circuit.

use super::{Result, Slot, State};
use crate::builtin::{Argument, Builtin};
use crate::function::{Call, FunctionError, Signature};
use crate::parse::tree::{Located, Operand};
use crate::value::{Type, Value};

impl<'t> State<'_, 't> {
    pub(super) fn evaluate_arguments(
        &mut self,
        dot: &Slot,
        signature: &Signature,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Vec<Value>> {
        let slots =
            self.evaluate_slots(dot, &signature.parameters, signature.variadic, name, arguments, piped)?;
        Ok(slots.into_iter().map(|slot| slot.value).collect())
    }

    fn evaluate_slots(
        &mut self,
        dot: &Slot,
        parameters: &[Type],
        variadic: bool,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Vec<Slot>> {
        let count = arguments.len() + usize::from(piped.is_some());
        if variadic {
            let fixed = parameters.len() - 1;
            if count < fixed {
                let got = arguments.len();
                return self
                    .fail(format!("wrong number of args for {name}: want at least {fixed} got {got}"));
            }
        } else if count != parameters.len() {
            let want = parameters.len();
            return self.fail(format!("wrong number of args for {name}: want {want} got {count}"));
        }
        let type_of = |index: usize| parameters[index.min(parameters.len() - 1)];
        let mut slots = Vec::with_capacity(count);
        for (index, argument) in arguments.iter().enumerate() {
            slots.push(self.evaluate_argument(dot, Some(type_of(index)), argument)?);
        }
        if let Some(piped) = piped {
            let wanted = type_of(slots.len());
            slots.push(self.validate(piped, Some(wanted))?);
        }
        Ok(slots)
    }

    pub(super) fn call_builtin(
        &mut self,
        dot: &Slot,
        builtin: Builtin,
        place: &'t dyn Located,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        let (parameters, variadic) = builtin.parameters();
        let short_circuits = match builtin {
            Builtin::And => Some(false),
            Builtin::Or => Some(true),
            _ => None,
        };
        if let Some(stop_at) = short_circuits {
            return self.and_or(dot, stop_at, name, arguments, piped);
        }
        let callee = match (builtin, arguments.first()) {
            (Builtin::Call, Some(callee)) => callee.text(),
            (Builtin::Call, None) => "<interface {} Value>".to_owned(),
            _ => String::new(),
        };
        let slots = self.evaluate_slots(dot, parameters, variadic, name, arguments, piped)?;
        if builtin == Builtin::Index {
            self.trace_index(&slots);
        }
        let result = if builtin == Builtin::Call {
            self.call_value(&callee, &slots)
        } else {
            let values: Vec<Argument> = slots
                .into_iter()
                .map(|slot| Argument {
                    is_nil_interface: slot.is_interface && slot.value.is_nil(),
                    value: slot.value,
                })
                .collect();
            builtin.call(&values)
        };
        self.check_walks()?;
        match result {
            Ok((value, is_interface)) => {
                self.check_built(&value)?;
                Ok(Slot::new(value, is_interface))
            }
            Err(error) => {
                self.at(place);
                self.failed_call(name, error)
            }
        }
    }

    /// Evaluates arguments until one decides.
    fn and_or(
        &mut self,
        dot: &Slot,
        stop_at: bool,
        name: &str,
        arguments: &'t [Operand],
        piped: Option<Slot>,
    ) -> Result<Slot> {
        if arguments.is_empty() && piped.is_none() {
            return self.fail(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut result = Slot::missing();
        for argument in arguments {
            result = self.evaluate_argument(dot, Some(Type::Reflect), argument)?;
            if result.value.is_true() == stop_at {
                return Ok(result);
            }
        }
        match piped {
            Some(piped) => self.validate(piped, Some(Type::Reflect)),
            None => Ok(result),
        }
    }

    /// The `call` builtin.
    fn call_value(&mut self, callee: &str, slots: &[Slot]) -> Result<(Value, bool), FunctionError> {
        let Some((function, arguments)) = slots.split_first() else {
            return Err("call of nil".into());
        };
        let function = match &function.value {
            Value::Nil => return Err("call of nil".into()),
            Value::Function(function) => function.clone(),
            other => return Err(format!("non-function {callee} of type {}", other.type_name()).into()),
        };
        let signature = function.signature();
        let (got, count) = (arguments.len(), signature.parameters.len());
        if signature.variadic && got < count - 1 {
            return Err(
                format!("wrong number of args for {callee}: got {got} want at least {}", count - 1).into()
            );
        }
        if !signature.variadic && got != count {
            return Err(format!("wrong number of args for {callee}: got {got} want {count}").into());
        }
        let mut values = Vec::with_capacity(got);
        for (index, argument) in arguments.iter().enumerate() {
            let wanted = signature.parameters[index.min(count - 1)];
            let value = crate::builtin::prepare_argument(&argument.value, wanted)
                .map_err(|error| FunctionError::new(format!("arg {index}: {error}")))?;
            values.push(value);
        }
        let value = function.call(&mut Call { run: self.run }, &values)?;
        Ok((value, signature.result == Type::Any))
    }
}
