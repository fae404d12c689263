//! Go's text/template: parser, evaluator, values with Go's types, and the sprig functions.
//!
//! ```text
//! text ── parse ── Parsed (shared, cacheable) ── TemplateSet ── execute(name, data, options) ── bytes
//!                                                   │
//!                                        Functions (builtins, sprig, the host's own)
//! ```
//!
//! Results and error texts are those of Go 1.26 and sprig 3.3; [`read_toml`] has those of BurntSushi's library. Nothing here
//! reads a clock, a random source or the environment: both come in [`Options`].

mod builtin;
mod cache;
mod descent;
mod duration;
mod error;
mod exec;
mod format;
mod function;
mod host;
mod json;
mod json_error;
mod options;
mod parse;
mod provenance;
mod set;
mod sprig;
mod stand_ins;
mod toml;
mod value;

pub use cache::ParseCache;
pub use duration::Duration;
pub use error::{Error, Limit};
pub use format::{format_float, format_value, go_quote, go_quote_rune, sprint, sprintf};
pub use function::{Arguments, Call, Function, FunctionError, Functions, Signature};
pub use host::HostObject;
pub use json::{
    JsonError, from_json, from_json_with_bytes, from_json_with_integers, json_text, read_json, to_json,
};
pub use json_error::go_json_error;
pub use options::{Budget, Clock, LocalZone, MissingKey, Moment, Options, RandomSource};
pub use parse::literal::parse_uint as go_parse_uint;
pub use parse::{Delimiters, Parsed, parse};
pub use provenance::{Condition, Frame, Nested, Origin, Path, Place, Provenance, Span, Step};
pub use set::TemplateSet;
pub use sprig::{Expression, Time, Url, format_duration, parse_duration, parse_time, sprig};
pub use stand_ins::{bytes_of, with_stand_ins};
pub use toml::{TomlError, TomlProblem, read_toml};
pub use value::{Element, Kind, List, Map, Text, Type, Value};
