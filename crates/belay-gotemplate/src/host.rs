//! Objects the host gives to templates: fields, methods, and a Go type name.

use std::any::Any;
use std::borrow::Cow;

use crate::function::{Call, FunctionError, Signature};
use crate::value::{Kind, Type, Value};

/// An object with fields and methods, such as a file collection or a version.
pub trait HostObject {
    /// The Go type as `%T` prints it, such as `*semver.Version`.
    fn type_name(&self) -> Cow<'static, str>;

    /// Go's kind of the object.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// For downcasting in functions that know the object.
    fn as_any(&self) -> &dyn Any;

    /// The value of a struct's field; nothing if there is no such field.
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// The signature of a method; nothing if there is no such method.
    fn method(&self, name: &str) -> Option<Signature> {
        let _ = name;
        None
    }

    /// Calls a method with arguments that fit its signature.
    fn call(&self, name: &str, call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let _ = (call, arguments);
        Err(FunctionError::new(format!("{} has no method {name}", self.type_name())))
    }

    /// What Go's `String()` (or `Error()`) gives, if the type has it.
    fn text(&self) -> Option<String> {
        None
    }

    /// The same, where only the type's pointer has the method: an action that prints the object finds it, a function
    /// that is given the object does not.
    fn addressed_text(&self) -> Option<String> {
        None
    }

    /// The list, map or number the Go type is made of, for named types such as
    /// `type VersionSet []string`: `range`, `index`, `len`, truth and printing use it.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// The fields in order, for printing a struct.
    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        Vec::new()
    }

    /// What Go's `GoString()` gives, if the type has it.
    fn go_text(&self) -> Option<String> {
        None
    }

    /// Whether a field of that name is there for nobody but the type's own package.
    fn hides(&self, field: &str) -> bool {
        let _ = field;
        false
    }

    /// Whether Go's `==` holds for this object and another of its type.
    fn is_equal(&self, other: &dyn Any) -> bool {
        let _ = other;
        false
    }

    /// Why the object cannot be JSON, in the words of its `MarshalJSON`.
    fn json_fault(&self) -> Option<String> {
        None
    }

    /// The object as Go's encoding/json writes it.
    fn to_json(&self) -> Option<serde_json::Value> {
        None
    }

    /// Whether Go could assign it to a variable of this unnamed type.
    fn is_assignable(&self, to: Type) -> bool {
        self.underlying()
            .is_some_and(|value| matches!(to, Type::List(_) | Type::Map(_)) && value.is_assignable(to))
    }
}
