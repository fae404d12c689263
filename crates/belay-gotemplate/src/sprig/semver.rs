//! Versions and constraints in templates.

use std::any::Any as AnyObject;
use std::borrow::Cow;

use belay_semver::{Constraint, ConstraintError, Version, VersionError};

use crate::function::{Call, FunctionError, Functions, Signature};
use crate::host::HostObject;
use crate::value::Type::{Any, Bool, Int, String as Str, Uint64};
use crate::value::{Kind, Type, Value};

const VERSION: Type = Type::Named("*semver.Version");

pub(super) fn register(functions: &mut Functions) {
    functions.add("semver", [Str], VERSION, |_, arguments| {
        Ok(Value::host(VersionObject(read_version(&arguments.text(0)?.to_str())?)))
    });
    functions.add("semverCompare", [Str, Str], Bool, |_, arguments| {
        let constraint = read_constraint(&arguments.text(0)?.to_str())?;
        let version = read_version(&arguments.text(1)?.to_str())?;
        Ok(constraint.allows(&version).into())
    });
}

fn read_version(text: &str) -> Result<Version, FunctionError> {
    Version::parse(text).map_err(|error: VersionError| error.to_string().into())
}

fn read_constraint(text: &str) -> Result<Constraint, FunctionError> {
    Constraint::parse(text).map_err(|error| match error {
        ConstraintError::Improper { text } => {
            format!("improper constraint: {}", crate::format::go_quote(text.as_bytes())).into()
        }
        other => other.to_string().into(),
    })
}

/// A version as templates see it.
#[derive(Clone, Debug)]
struct VersionObject(Version);

impl HostObject for VersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        "*semver.Version".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn as_any(&self) -> &dyn AnyObject {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        Some(match name {
            "Major" | "Minor" | "Patch" => Signature::new([], Uint64),
            "Prerelease" | "Metadata" | "Original" | "String" => Signature::new([], Str),
            "Compare" => Signature::new([VERSION], Int),
            "Equal" | "GreaterThan" | "LessThan" | "GreaterThanEqual" | "LessThanEqual" => {
                Signature::new([VERSION], Bool)
            }
            "IncMajor" | "IncMinor" | "IncPatch" | "SetPrerelease" | "SetMetadata" => {
                Signature::variadic([Any], Any)
            }
            _ => return None,
        })
    }

    fn call(&self, name: &str, _: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let other = match arguments.first() {
            Some(Value::Host(object)) => object.as_any().downcast_ref::<Self>(),
            _ => None,
        };
        let order = other.map(|other| self.0.compare(&other.0));
        Ok(match (name, order) {
            ("Major", _) => Value::Uint64(self.0.major),
            ("Minor", _) => Value::Uint64(self.0.minor),
            ("Patch", _) => Value::Uint64(self.0.patch),
            ("Prerelease", _) => Value::string(self.0.prerelease.as_str()),
            ("Metadata", _) => Value::string(self.0.metadata.as_str()),
            ("Original", _) => Value::string(self.0.original.as_str()),
            ("String", _) => Value::string(self.0.to_string()),
            ("Compare", Some(order)) => Value::Int(order as i64),
            ("Equal", Some(order)) => order.is_eq().into(),
            ("GreaterThan", Some(order)) => order.is_gt().into(),
            ("LessThan", Some(order)) => order.is_lt().into(),
            ("GreaterThanEqual", Some(order)) => order.is_ge().into(),
            ("LessThanEqual", Some(order)) => order.is_le().into(),
            _ => return Err(format!("`{name}` of a version is not supported yet").into()),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.0.to_string().into())
    }
}
