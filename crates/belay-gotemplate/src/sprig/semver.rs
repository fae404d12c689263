//! Versions and constraints in templates.

use std::any::Any as AnyObject;
use std::borrow::Cow;

use belay_semver::{Constraint, ConstraintError, Version, VersionError, check_metadata, check_prerelease};

use crate::function::{Call, FunctionError, Functions, Signature};
use crate::host::HostObject;
use crate::value::Type::{Any, Bool, Int, String as Str, Uint64};
use crate::value::{Element, Kind, Type, Value};

const VERSION: Type = Type::Named("*semver.Version");

pub(super) fn register(functions: &mut Functions) {
    functions.add("semver", [Str], VERSION, |_, arguments| {
        let version = read_version(&arguments.text(0)?.to_str())?;
        Ok(Value::host(VersionObject { version, is_pointer: true }))
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
struct VersionObject {
    version: Version,
    /// Whether it is a pointer: a version itself lacks half of the methods.
    is_pointer: bool,
}

impl VersionObject {
    /// The version that a method gives, which is no pointer.
    fn next(&self, change: impl FnOnce(&mut Version)) -> Value {
        let mut version = self.version.clone();
        change(&mut version);
        let prefix = if self.version.original.starts_with('v') { "v" } else { "" };
        version.original = format!("{prefix}{version}");
        Value::host(Self { version, is_pointer: false })
    }

    /// The next version, one of its numbers greater.
    fn incremented(&self, part: &'static str) -> Result<Value, FunctionError> {
        let version = &self.version;
        let is_over = match part {
            "major" => version.major == u64::MAX,
            "minor" => version.minor == u64::MAX,
            _ => version.patch == u64::MAX && version.prerelease.is_empty(),
        };
        if is_over {
            return Err(format!("{part} version increment would overflow uint64").into());
        }
        Ok(self.next(|next| {
            match part {
                "major" => (next.major, next.minor, next.patch) = (next.major + 1, 0, 0),
                "minor" => (next.minor, next.patch) = (next.minor + 1, 0),
                _ if next.prerelease.is_empty() => next.patch += 1,
                _ => {}
            }
            (next.prerelease, next.metadata) = (String::new(), String::new());
        }))
    }
}

impl HostObject for VersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        if self.is_pointer { "*semver.Version".into() } else { "semver.Version".into() }
    }

    fn kind(&self) -> Kind {
        if self.is_pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn as_any(&self) -> &dyn AnyObject {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let plain = Type::Named("semver.Version");
        Some(match name {
            "Major" | "Minor" | "Patch" => Signature::new([], Uint64),
            "Prerelease" | "Metadata" | "String" => Signature::new([], Str),
            "IncMajor" | "IncMinor" | "IncPatch" => Signature::new([], plain),
            "SetPrerelease" | "SetMetadata" => Signature::new([Str], plain),
            "MarshalJSON" | "MarshalText" => Signature::new([], Type::List(Element::Uint8)),
            "Value" => Signature::new([], Any),
            _ if !self.is_pointer => return None,
            "Original" => Signature::new([], Str),
            "Compare" => Signature::new([VERSION], Int),
            "Equal" | "GreaterThan" | "LessThan" | "GreaterThanEqual" | "LessThanEqual" => {
                Signature::new([VERSION], Bool)
            }
            _ => return None,
        })
    }

    fn call(&self, name: &str, _: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let version = &self.version;
        let other = match arguments.first() {
            Some(Value::Host(object)) => object.as_any().downcast_ref::<Self>(),
            _ => None,
        };
        let order = other.map(|other| version.compare(&other.version));
        let text = || arguments.first().and_then(Value::as_str).unwrap_or_default().into_owned();
        Ok(match (name, order) {
            ("Major", _) => Value::Uint64(version.major),
            ("Minor", _) => Value::Uint64(version.minor),
            ("Patch", _) => Value::Uint64(version.patch),
            ("Prerelease", _) => Value::string(version.prerelease.as_str()),
            ("Metadata", _) => Value::string(version.metadata.as_str()),
            ("Original", _) => Value::string(version.original.as_str()),
            ("String" | "Value", _) => Value::string(version.to_string()),
            ("MarshalText", _) => Value::Bytes(version.to_string().into_bytes().into()),
            ("MarshalJSON", _) => Value::Bytes(format!("\"{version}\"").into_bytes().into()),
            ("IncMajor", _) => self.incremented("major")?,
            ("IncMinor", _) => self.incremented("minor")?,
            ("IncPatch", _) => self.incremented("patch")?,
            ("SetPrerelease", _) => {
                let prerelease = text();
                let check = if prerelease.is_empty() { Ok(()) } else { check_prerelease(&prerelease) };
                check.map_err(|error| FunctionError::new(error.to_string()))?;
                self.next(|next| next.prerelease = prerelease)
            }
            ("SetMetadata", _) => {
                let metadata = text();
                check_metadata(&metadata).map_err(|error| FunctionError::new(error.to_string()))?;
                self.next(|next| next.metadata = metadata)
            }
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
        Some(self.version.to_string())
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.version.to_string().into())
    }
}
