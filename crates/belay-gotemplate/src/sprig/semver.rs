//! Versions and constraints as the Masterminds library reads them: leniently.

use std::any::Any as AnyObject;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use crate::function::{Call, FunctionError, Functions, Signature};
use crate::host::HostObject;
use crate::value::Type::{Any, Bool, Int, String as Str, Uint64};
use crate::value::{Kind, Type, Value};

const VERSION: Type = Type::Named("*semver.Version");

pub(super) fn register(functions: &mut Functions) {
    functions.add("semver", [Str], VERSION, |_, arguments| {
        Ok(Value::host(Version::parse(&arguments.text(0)?.to_str())?))
    });
    functions.add("semverCompare", [Str, Str], Bool, |_, arguments| {
        let constraints = parse_constraints(&arguments.text(0)?.to_str())?;
        let version = Version::parse(&arguments.text(1)?.to_str())?;
        Ok(constraints.iter().any(|group| group_allows(group, &version)).into())
    });
}

#[derive(Clone, Debug)]
struct Version {
    numbers: [u64; 3],
    prerelease: String,
    metadata: String,
    original: String,
}

impl Version {
    fn parse(text: &str) -> Result<Self, FunctionError> {
        let invalid = || FunctionError::new("invalid semantic version");
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) =
            rest.split_once('+').map_or((rest, None), |(rest, metadata)| (rest, Some(metadata)));
        let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > 3 || !prerelease.is_none_or(is_dotted) || !metadata.is_none_or(is_dotted) {
            return Err(invalid());
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(&parts) {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid());
            }
            *number = part.parse().map_err(|_| invalid())?;
        }
        let leading_zero = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if prerelease.is_some_and(|prerelease| prerelease.split('.').any(leading_zero)) {
            return Err("version segment starts with 0".into());
        }
        Ok(Self {
            numbers,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    fn text(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut text = format!("{major}.{minor}.{patch}");
        for (mark, part) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !part.is_empty() {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }
}

fn is_dotted(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// A version without a prerelease is the greater one; numbers come before words.
fn compare_prereleases(first: &str, second: &str) -> Ordering {
    match (first.is_empty(), second.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut first, mut second) = (first.split('.'), second.split('.'));
    loop {
        let order = match (first.next(), second.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl HostObject for Version {
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
        let order = other.map(|other| self.compare(other));
        Ok(match (name, order) {
            ("Major", _) => Value::Uint64(self.numbers[0]),
            ("Minor", _) => Value::Uint64(self.numbers[1]),
            ("Patch", _) => Value::Uint64(self.numbers[2]),
            ("Prerelease", _) => Value::string(self.prerelease.as_str()),
            ("Metadata", _) => Value::string(self.metadata.as_str()),
            ("Original", _) => Value::string(self.original.as_str()),
            ("String", _) => Value::string(self.text()),
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
        Some(self.text())
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.text().into())
    }
}

struct Constraint {
    operator: String,
    version: Version,
    is_partial: bool,
    any_minor: bool,
    any_patch: bool,
}

/// How long a constraint may be, and how many groups it may have, as the original limits them.
const MAX_CONSTRAINT_BYTES: usize = 512;
const MAX_CONSTRAINT_GROUPS: usize = 32;

/// Groups joined by `||`; all of one group must hold.
fn parse_constraints(text: &str) -> Result<Vec<Vec<Constraint>>, FunctionError> {
    if text.len() > MAX_CONSTRAINT_BYTES {
        return Err(format!("constraint string is too long (max {MAX_CONSTRAINT_BYTES} bytes)").into());
    }
    let rewritten = PATTERNS.range.replace_all(text, ">= $first, <= $last ");
    let groups: Vec<&str> = rewritten.split("||").collect();
    if groups.len() > MAX_CONSTRAINT_GROUPS {
        return Err(format!("too many constraint groups (max {MAX_CONSTRAINT_GROUPS})").into());
    }
    groups.into_iter().map(parse_group).collect()
}

/// The patterns of constraints, as the original has them.
struct Patterns {
    range: Regex,
    group: Regex,
    one: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let operator = r"(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\^)";
    let version = r"(?:v?[0-9|x|X|\*]+(?:\.[0-9|x|X|\*]+)?(?:\.[0-9|x|X|\*]+)?(?:-[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?(?:\+[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?)";
    let space = r"[\t\n\f\r ]";
    let one = format!("{operator}{space}*{version}");
    let build = |pattern: String| Regex::new(&pattern).expect("the pattern is valid");
    Patterns {
        range: build(format!("{space}*(?<first>{version}){space}+-{space}+(?<last>{version}){space}*")),
        group: build(format!("^{space}*{one}{space}*(?:(?:{space}+|,{space}*){one}{space}*)*$")),
        one: build(format!("(?<operator>{operator}){space}*(?<version>{version})")),
    }
});

fn parse_group(group: &str) -> Result<Vec<Constraint>, FunctionError> {
    if !PATTERNS.group.is_match(group) {
        return Err(format!("improper constraint: {}", crate::format::go_quote(group.as_bytes())).into());
    }
    let constraint = |found: regex::Captures<'_>| {
        Constraint::parse(&found["operator"], &found["version"])
            .ok_or_else(|| FunctionError::new("constraint parser error"))
    };
    PATTERNS.one.captures_iter(group).map(constraint).collect()
}

/// A prerelease is allowed only by a group that names one.
fn group_allows(group: &[Constraint], version: &Version) -> bool {
    let names_prerelease = group.iter().any(|one| !one.version.prerelease.is_empty());
    (version.prerelease.is_empty() || names_prerelease) && group.iter().all(|one| one.allows(version))
}

impl Constraint {
    fn parse(operator: &str, text: &str) -> Option<Self> {
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, tail) = text.split_at(end);
        let parts: Vec<&str> = core.trim_start_matches('v').split('.').collect();
        if parts.len() > 3 {
            return None;
        }
        let is_any = |index: usize| parts.get(index).is_none_or(|part| matches!(*part, "x" | "X" | "*"));
        let (any_major, any_minor, any_patch) = (is_any(0), is_any(1), is_any(2));
        let core = match (any_major, any_minor, any_patch) {
            (true, _, _) => "0.0.0".to_owned(),
            (_, true, _) => format!("{}.0.0", parts[0]),
            (_, _, true) => format!("{}.{}.0", parts[0], parts[1]),
            _ => parts.join("."),
        };
        Some(Self {
            operator: if any_major {
                String::from(if operator == "!=" || operator == "<" || operator == ">" {
                    operator
                } else {
                    ">="
                })
            } else {
                operator.to_owned()
            },
            version: Version::parse(&format!("{core}{tail}")).ok()?,
            is_partial: any_major || any_minor || any_patch,
            any_minor: !any_major && any_minor,
            any_patch: !any_major && !any_minor && any_patch,
        })
    }

    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let ([major, minor, patch], [own_major, own_minor, own_patch]) =
            (version.numbers, self.version.numbers);
        match self.operator.as_str() {
            "!=" if self.is_partial => {
                major != own_major
                    || (!self.any_minor && minor != own_minor)
                    || (!self.any_minor && !self.any_patch && patch != own_patch)
            }
            "!=" => order.is_ne(),
            ">" if !self.is_partial => order.is_gt(),
            ">" if major != own_major => major > own_major,
            ">" => self.any_patch && minor > own_minor,
            "<" => order.is_lt(),
            ">=" | "=>" => order.is_ge(),
            "<=" | "=<" if !self.is_partial => order.is_le(),
            "<=" | "=<" => {
                major < own_major || (major == own_major && (self.any_minor || minor <= own_minor))
            }
            "^" => self.caret(version, order),
            "~" | "~>" => self.tilde(version, order),
            _ if self.is_partial => self.tilde(version, order),
            _ => order.is_eq(),
        }
    }

    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        if order.is_lt() {
            return false;
        }
        if self.version.numbers == [0; 3] && !self.any_minor && !self.any_patch {
            return true;
        }
        version.numbers[0] == self.version.numbers[0]
            && (self.any_minor || version.numbers[1] == self.version.numbers[1])
    }

    fn caret(&self, version: &Version, order: Ordering) -> bool {
        let ([major, minor, patch], [own_major, own_minor, own_patch]) =
            (version.numbers, self.version.numbers);
        if order.is_lt() {
            return false;
        }
        if own_major > 0 || self.any_minor {
            return major == own_major;
        }
        if major > 0 {
            return false;
        }
        if own_minor > 0 || self.any_patch {
            return minor == own_minor;
        }
        minor == 0 && patch == own_patch
    }
}
