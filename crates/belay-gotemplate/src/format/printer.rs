//! Prints one value with a verb and flags.

use super::float::format_float;
use super::quote::{go_quote, quote_rune, quote_with};
use crate::value::{List, Map, Value};

#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) width: Option<usize>,
    pub(crate) precision: Option<usize>,
    pub(crate) minus: bool,
    pub(crate) plus: bool,
    pub(crate) sharp: bool,
    pub(crate) space: bool,
    pub(crate) zero: bool,
    pub(crate) plus_v: bool,
    pub(crate) sharp_v: bool,
}

pub(crate) struct Printer {
    pub(crate) out: Vec<u8>,
    pub(crate) flags: Flags,
}

impl Printer {
    pub(crate) fn new() -> Self {
        Self { out: Vec::new(), flags: Flags::default() }
    }

    /// Prints an operand.
    pub(crate) fn print(&mut self, value: &Value, verb: char) {
        match verb {
            'T' => return self.string(value.type_name().as_bytes(), 's'),
            'p' => return self.bad_verb(value, verb),
            _ => {}
        }
        if value.is_nil() {
            return if verb == 'v' { self.pad(b"<nil>") } else { self.bad_verb(value, verb) };
        }
        self.value(value, verb);
    }

    fn value(&mut self, value: &Value, verb: char) {
        match value {
            Value::Nil if self.flags.sharp_v => self.text("interface {}(nil)"),
            Value::Nil => self.text("<nil>"),
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Float(number) => self.float(*number, value, verb),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, value, verb),
            Value::String(text) => match verb {
                'v' | 's' | 'x' | 'X' | 'q' => self.string(text.as_bytes(), verb),
                _ => self.bad_verb(value, verb),
            },
            Value::Bytes(bytes) => self.bytes(bytes, verb),
            Value::List(list) => self.nested(|printer| printer.list(list, verb)),
            Value::Map(map) => self.nested(|printer| printer.map(map, verb)),
            Value::Function(_) => match verb {
                'v' if self.flags.sharp_v => self.text(&format!("({})(0x0)", value.type_name())),
                'v' => self.text("0x0"),
                _ => self.bad_verb(value, verb),
            },
            Value::Host(object) => self.nested(|printer| printer.host(&**object, value, verb)),
            _ => self.integer(value, verb),
        }
    }

    fn nested(&mut self, body: impl FnOnce(&mut Self)) {
        crate::descent::descend(|| body(self), || ());
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.text("%!");
        self.out.extend_from_slice(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.text("(");
        if value.is_nil() {
            self.text("<nil>");
        } else {
            self.text(&value.type_name());
            self.text("=");
            self.value(value, 'v');
        }
        self.text(")");
    }

    fn pad(&mut self, text: &[u8]) {
        let runes =
            text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(runes);
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.out.extend(std::iter::repeat_n(b' ', missing));
        } else {
            let fill = if self.flags.zero { b'0' } else { b' ' };
            self.out.extend(std::iter::repeat_n(fill, missing));
            self.out.extend_from_slice(text);
        }
    }

    fn integer(&mut self, value: &Value, verb: char) {
        let (negative, magnitude) = match (value.as_signed(), value.as_unsigned()) {
            (Some(number), _) => (number < 0, number.unsigned_abs()),
            (_, Some(number)) => (false, number),
            _ => return self.bad_verb(value, verb),
        };
        let signed = value.as_signed();
        match verb {
            'v' if self.flags.sharp_v && signed.is_none() => {
                let outer = self.flags.sharp;
                self.flags.sharp = true;
                self.based(negative, magnitude, 16, 'v');
                self.flags.sharp = outer;
            }
            'v' | 'd' => self.based(negative, magnitude, 10, verb),
            'b' => self.based(negative, magnitude, 2, verb),
            'o' | 'O' => self.based(negative, magnitude, 8, verb),
            'x' | 'X' => self.based(negative, magnitude, 16, verb),
            'c' => {
                let character = u32::try_from(magnitude).ok().filter(|_| !negative).and_then(char::from_u32);
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                self.pad(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            'q' => {
                let rune = if negative { -1 } else { i64::try_from(magnitude).unwrap_or(-1) };
                let text = quote_rune(rune, self.flags.plus);
                self.pad(text.as_bytes());
            }
            'U' => self.unicode(magnitude),
            _ => self.bad_verb(value, verb),
        }
    }

    fn unicode(&mut self, magnitude: u64) {
        let width = self.flags.precision.unwrap_or(4).max(4);
        let digits = format!("{magnitude:X}");
        let mut text = format!("U+{}{digits}", "0".repeat(width.saturating_sub(digits.len())));
        if self.flags.sharp
            && let Some(character) = u32::try_from(magnitude).ok().and_then(char::from_u32)
            && super::is_printable(character)
        {
            text.push_str(&format!(" '{character}'"));
        }
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text.as_bytes());
        self.flags.zero = zero;
    }

    fn based(&mut self, negative: bool, magnitude: u64, base: u32, verb: char) {
        let flags = self.flags;
        let mut digits = match (base, verb) {
            (2, _) => format!("{magnitude:b}"),
            (8, _) => format!("{magnitude:o}"),
            (16, 'X') => format!("{magnitude:X}"),
            (16, _) => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let mut least = 0;
        if let Some(precision) = flags.precision {
            least = precision;
            if precision == 0 && magnitude == 0 {
                let zero = std::mem::replace(&mut self.flags.zero, false);
                self.pad(b"");
                self.flags.zero = zero;
                return;
            }
        } else if flags.zero && !flags.minus {
            least = flags.width.unwrap_or(0);
            if negative || flags.plus || flags.space {
                least = least.saturating_sub(1);
            }
        }
        while digits.len() < least {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        if flags.sharp {
            match base {
                2 => digits.insert_str(0, "0b"),
                8 if !digits.starts_with('0') => digits.insert(0, '0'),
                16 => digits.insert_str(0, if verb == 'X' { "0X" } else { "0x" }),
                _ => {}
            }
        }
        if verb == 'O' {
            digits.insert_str(0, "0o");
        }
        if negative {
            digits.insert(0, '-');
        } else if flags.plus {
            digits.insert(0, '+');
        } else if flags.space {
            digits.insert(0, ' ');
        }
        self.flags.zero = false;
        self.pad(digits.as_bytes());
        self.flags.zero = flags.zero;
    }

    fn float(&mut self, number: f64, value: &Value, verb: char) {
        match verb {
            'v' => self.float_as(number, 'g', None),
            'e' | 'E' | 'f' | 'F' => {
                let verb = if verb == 'F' { 'f' } else { verb };
                self.float_as(number, verb, Some(6));
            }
            'b' | 'g' | 'G' | 'x' | 'X' => self.float_as(number, verb, None),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float_as(&mut self, number: f64, verb: char, precision: Option<usize>) {
        let flags = self.flags;
        let mut text = format_float(number, verb, flags.precision.or(precision));
        if !text.starts_with(['+', '-']) {
            text.insert(0, if flags.space && !flags.plus { ' ' } else { '+' });
        }
        if text[1..].starts_with(['I', 'N']) {
            if text[1..].starts_with('N') && !flags.space && !flags.plus {
                text.remove(0);
            } else if text.starts_with('+') && !flags.plus {
                // "+Inf" keeps its sign.
            }
            self.flags.zero = false;
            self.pad(text.as_bytes());
            self.flags.zero = flags.zero;
            return;
        }
        if flags.sharp && verb != 'b' {
            text = with_all_digits(&text, verb, flags.precision.or(precision));
        }
        if flags.plus || !text.starts_with('+') {
            let width = flags.width.unwrap_or(0);
            if flags.zero && !flags.minus && width > text.len() {
                let (sign, digits) = text.split_at(1);
                text = format!("{sign}{}{digits}", "0".repeat(width - text.len()));
            }
            self.pad_without_zeros(&text);
            return;
        }
        self.pad(&text.as_bytes()[1..]);
    }

    fn pad_without_zeros(&mut self, text: &str) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text.as_bytes());
        self.flags.zero = zero;
    }

    fn complex(&mut self, real: f64, imaginary: f64, value: &Value, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        self.text("(");
        let plus = self.flags.plus;
        self.float(real, value, verb);
        self.flags.plus = true;
        self.float(imaginary, value, verb);
        self.flags.plus = plus;
        self.text("i)");
    }

    fn string(&mut self, text: &[u8], verb: char) {
        if !crate::descent::may_copy(text.len()) {
            return;
        }
        let flags = self.flags;
        match verb {
            'v' if flags.sharp_v => {
                let quoted = go_quote(text);
                self.pad(quoted.as_bytes());
            }
            'x' | 'X' => self.hex(text, verb),
            'q' => {
                let text = truncated(text, flags.precision);
                let plain = std::str::from_utf8(text).is_ok_and(can_backquote);
                let quoted = if flags.sharp && plain {
                    format!("`{}`", String::from_utf8_lossy(text))
                } else {
                    quote_with(text, '"', flags.plus)
                };
                self.pad(quoted.as_bytes());
            }
            _ => {
                let text = truncated(text, flags.precision);
                self.pad(text);
            }
        }
    }

    fn hex(&mut self, bytes: &[u8], verb: char) {
        let flags = self.flags;
        let count = flags.precision.unwrap_or(bytes.len()).min(bytes.len());
        let prefix = if verb == 'X' { "0X" } else { "0x" };
        let mut text = String::new();
        for (index, byte) in bytes[..count].iter().enumerate() {
            if flags.space && index > 0 {
                text.push(' ');
            }
            if flags.sharp && (flags.space || index == 0) {
                text.push_str(prefix);
            }
            text.push_str(&if verb == 'X' { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8], verb: char) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.text("[]byte{");
                for (index, byte) in bytes.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    self.text(&format!("{comma}0x{byte:x}"));
                }
                self.text("}");
            }
            's' | 'x' | 'X' | 'q' => self.string(bytes, verb),
            _ => {
                self.text("[");
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.text(" ");
                    }
                    self.value(&Value::Uint8(*byte), verb);
                }
                self.text("]");
            }
        }
    }

    fn list(&mut self, list: &List, verb: char) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.text(&format!("[]{}", list.element().name()));
            if list.is_nil() {
                return self.text("(nil)");
            }
        }
        self.text(if sharp { "{" } else { "[" });
        for (index, item) in list.items().iter().enumerate() {
            if index > 0 {
                self.text(if sharp { ", " } else { " " });
            }
            self.element(item, verb);
        }
        self.text(if sharp { "}" } else { "]" });
    }

    /// An item of a list or map; a nil one is `<nil>` for every verb.
    fn element(&mut self, item: &Value, verb: char) {
        self.value(item, verb);
    }

    fn map(&mut self, map: &Map, verb: char) {
        let sharp = self.flags.sharp_v;
        if sharp {
            let name = Value::Map(map.clone()).type_name();
            self.text(&name);
            if map.is_nil() {
                return self.text("(nil)");
            }
        }
        self.text(if sharp { "{" } else { "map[" });
        for (index, (key, value)) in map.entries().iter().enumerate() {
            if index > 0 {
                self.text(if sharp { ", " } else { " " });
            }
            self.value(&Value::String(key.clone()), verb);
            self.text(":");
            self.element(value, verb);
        }
        self.text(if sharp { "}" } else { "]" });
    }

    fn host(&mut self, object: &dyn crate::host::HostObject, value: &Value, verb: char) {
        if !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.text()
        {
            return self.string(text.as_bytes(), verb);
        }
        if self.flags.sharp_v
            && let Some(text) = object.go_text()
        {
            return self.pad(text.as_bytes());
        }
        if let Some(underlying) = object.underlying() {
            if underlying.as_signed().is_some() && !"vbcdoOqxXU".contains(verb) {
                // Go names the object's type and shows the number alone.
                self.text(&format!("%!{verb}({}=", value.type_name()));
                self.value(&underlying, 'v');
                return self.text(")");
            }
            return self.value(&underlying, verb);
        }
        let pointer = object.kind() == crate::value::Kind::Ptr;
        if pointer {
            self.text("&");
        }
        if self.flags.sharp_v {
            self.text(value.type_name().trim_start_matches('*'));
        }
        self.text("{");
        for (index, (name, value)) in object.fields().iter().enumerate() {
            if index > 0 {
                self.text(if self.flags.sharp_v { ", " } else { " " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.text(name);
                self.text(":");
            }
            self.element(value, verb);
        }
        self.text("}");
    }
}

fn truncated(text: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(limit) = precision else {
        return text;
    };
    let mut end = 0;
    let mut runes = 0;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if runes == limit {
                return &text[..end];
            }
            end += character.len_utf8();
            runes += 1;
        }
        for _ in chunk.invalid() {
            if runes == limit {
                return &text[..end];
            }
            end += 1;
            runes += 1;
        }
    }
    text
}

fn can_backquote(text: &str) -> bool {
    text.chars().all(|character| {
        character == '\t' || (character >= ' ' && !matches!(character, '`' | '\x7f' | '\u{feff}'))
    })
}

/// The `#` flag of floats: a decimal point always, and trailing zeros for `%g`.
fn with_all_digits(text: &str, verb: char, precision: Option<usize>) -> String {
    let mut missing = match verb {
        'g' | 'G' | 'x' | 'X' => precision.unwrap_or(6) as i64,
        _ => 0,
    };
    let split = text[1..].find(['e', 'E', 'p', 'P']).map_or(text.len(), |index| index + 1);
    let (digits, tail) = text.split_at(split);
    let mut significant = false;
    for digit in digits[1..].chars().filter(char::is_ascii_digit) {
        significant |= digit != '0';
        missing -= i64::from(significant);
    }
    let mut out = digits.to_owned();
    if !out.contains('.') {
        if digits.len() == 2 && &digits[1..] == "0" {
            missing -= 1;
        }
        out.push('.');
    }
    out.push_str(&"0".repeat(missing.max(0) as usize));
    out + tail
}
