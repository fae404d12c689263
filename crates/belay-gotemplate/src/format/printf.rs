//! Go's `Sprint`, `Sprintln` and `Sprintf`.

use super::printer::{Flags, Printer};
use crate::value::{Text, Value};

/// The largest width or precision Go accepts.
const TOO_LARGE: i64 = 1_000_000;

/// Go's `fmt.Sprint`: a space between operands when neither is a string.
pub fn sprint(values: &[Value]) -> Text {
    let mut printer = Printer::new();
    let mut before_was_string = false;
    for (index, value) in values.iter().enumerate() {
        let is_string = matches!(value, Value::String(_));
        if index > 0 && !is_string && !before_was_string {
            printer.out.push(b' ');
        }
        printer.print(value, 'v');
        before_was_string = is_string;
    }
    printer.out.into()
}

/// Go's `fmt.Sprintln`.
pub(crate) fn sprintln(values: &[Value]) -> Text {
    let mut printer = Printer::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.out.push(b' ');
        }
        printer.print(value, 'v');
    }
    printer.out.push(b'\n');
    printer.out.into()
}

/// Go's `fmt.Sprintf`.
pub fn sprintf(format: &[u8], values: &[Value]) -> Text {
    let mut formatter = Formatter {
        format,
        at: 0,
        values,
        next: 0,
        reordered: false,
        good_index: true,
        printer: Printer::new(),
    };
    formatter.run();
    formatter.printer.out.into()
}

struct Formatter<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    next: usize,
    reordered: bool,
    good_index: bool,
    printer: Printer,
}

impl Formatter<'_> {
    fn run(&mut self) {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let literal = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.printer.out.extend_from_slice(&rest[..literal]);
            self.at += literal;
            if self.at < self.format.len() {
                self.at += 1;
                self.directive();
            }
        }
        if !self.reordered && self.next < self.values.len() {
            self.extra();
        }
    }

    fn extra(&mut self) {
        self.printer.flags = Flags::default();
        self.write("%!(EXTRA ");
        for (index, value) in self.values[self.next..].iter().enumerate() {
            if index > 0 {
                self.write(", ");
            }
            if value.is_nil() {
                self.write("<nil>");
            } else {
                self.write(&value.type_name());
                self.write("=");
                self.printer.print(value, 'v');
            }
        }
        self.write(")");
    }

    fn write(&mut self, text: &str) {
        self.printer.out.extend_from_slice(text.as_bytes());
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn directive(&mut self) {
        self.good_index = true;
        self.printer.flags = Flags::default();
        self.read_flags();
        let mut after_index = self.argument_index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    let flags = &mut self.printer.flags;
                    flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        flags.minus = true;
                        flags.zero = false;
                    }
                }
                None => self.write("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            let width = self.number();
            self.printer.flags.width = width;
            if after_index && width.is_some() {
                self.good_index = false;
            }
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if after_index {
                self.good_index = false;
            }
            after_index = self.argument_index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                match self.star() {
                    Some(precision) => {
                        self.printer.flags.precision = usize::try_from(precision).ok();
                        if precision < 0 {
                            self.write("%!(BADPREC)");
                        }
                    }
                    None => self.write("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                let precision = self.number();
                self.printer.flags.precision = Some(precision.unwrap_or(0));
            }
        }
        if !after_index {
            self.argument_index();
        }
        self.verb();
    }

    fn read_flags(&mut self) {
        let flags = &mut self.printer.flags;
        while let Some(byte) = self.format.get(self.at) {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        let mut number: i64 = 0;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            number = number * 10 + i64::from(digit - b'0');
            if number > TOO_LARGE {
                self.at = start;
                return None;
            }
            self.at += 1;
        }
        (self.at > start).then_some(number as usize)
    }

    /// `[3]`: the next argument is the third. True if there was an index.
    fn argument_index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest.iter().position(|byte| *byte == b']') else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let index = std::str::from_utf8(&rest[1..close]).ok().and_then(|digits| digits.parse::<usize>().ok());
        self.at += close + 1;
        match index {
            Some(index) if (1..=self.values.len()).contains(&index) => {
                self.next = index - 1;
                true
            }
            Some(_) => {
                self.good_index = false;
                true
            }
            None => {
                self.good_index = false;
                false
            }
        }
    }

    /// A width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let unsigned = value.as_unsigned().and_then(|number| i64::try_from(number).ok());
        value.as_signed().or(unsigned).filter(|number| number.abs() <= TOO_LARGE)
    }

    fn verb(&mut self) {
        if self.at >= self.format.len() {
            return self.write("%!(NOVERB)");
        }
        let rest = &self.format[self.at..];
        let verb = match rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
            Some(verb) => {
                self.at += verb.len_utf8();
                verb
            }
            None => {
                self.at += 1;
                char::REPLACEMENT_CHARACTER
            }
        };
        if verb == '%' {
            return self.write("%");
        }
        if !self.good_index {
            return self.write(&format!("%!{verb}(BADINDEX)"));
        }
        let Some(value) = self.values.get(self.next) else {
            return self.write(&format!("%!{verb}(MISSING)"));
        };
        self.next += 1;
        let flags = &mut self.printer.flags;
        if flags.minus {
            flags.zero = false;
        }
        if verb == 'v' {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        self.printer.print(value, verb);
    }
}
