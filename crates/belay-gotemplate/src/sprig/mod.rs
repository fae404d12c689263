//! The functions of sprig 3.3, one file per family. `env` and `expandenv` are not among them: a
//! template does not see the environment.

mod certificates;
mod convert;
mod date_parse;
mod dates;
mod defaults;
mod dicts;
mod durations;
mod encoding;
mod json;
mod lists;
mod location;
mod math;
mod passwords;
mod paths;
mod random;
mod regex_fault;
mod regexes;
mod semver;
mod strings;
mod time;
mod urls;
mod words;
mod zones;

pub use date_parse::parse_time;
pub use durations::{format_duration, parse_duration};
pub(crate) use encoding::base64_encode;
pub use regexes::Expression;
pub use time::Time;
pub use urls::Url;
pub(crate) use words::is_letter;

use crate::function::Functions;

/// All sprig functions.
pub fn sprig() -> Functions {
    let mut functions = Functions::new();
    certificates::register(&mut functions);
    passwords::register(&mut functions);
    strings::register(&mut functions);
    urls::register(&mut functions);
    words::register(&mut functions);
    lists::register(&mut functions);
    dicts::register(&mut functions);
    math::register(&mut functions);
    defaults::register(&mut functions);
    json::register(&mut functions);
    encoding::register(&mut functions);
    regexes::register(&mut functions);
    dates::register(&mut functions);
    semver::register(&mut functions);
    random::register(&mut functions);
    paths::register(&mut functions);
    functions
}
