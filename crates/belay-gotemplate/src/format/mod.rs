//! Go's fmt: values as text.

mod float;
mod printer;
mod printf;
mod quote;

pub use float::format_float;
pub use printf::{sprint, sprintf};
pub use quote::{go_quote, go_quote_rune};

pub(crate) use printer::{Flags, Printer};
pub(crate) use printf::sprintln;
pub(crate) use quote::{go_unicode_point, is_printable};

use crate::value::Value;

/// A value as `%v` prints it, lossily as text.
pub fn format_value(value: &Value) -> String {
    crate::value::text_of(&sprint_one(value)).into_owned()
}

/// A value as `%v` prints it.
pub(crate) fn sprint_one(value: &Value) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.print(value, 'v');
    printer.out
}

/// A value as `%#v` prints it.
pub(crate) fn go_syntax(value: &Value) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.flags = Flags { sharp_v: true, ..Flags::default() };
    printer.print(value, 'v');
    printer.out
}
