//! The grammar.

use super::cursor::Cursor;
use super::document::{Document, Node, Table, is_bare_character, key_text};
use super::error::{Fault, TomlProblem};
use super::number;
use super::text::{digit_count, join_lines, unescape, without_first_newline};
use crate::exec::with_stack;
use crate::function::Call;
use crate::sprig::is_letter;
use crate::value::{Map, Value};

/// Arrays and tables within each other, and parts of a key. Go's library has no limit but its stack.
const MAX_DEPTH: usize = 10_000;

type Outcome<T> = Result<T, Fault>;

pub(super) struct Reader<'t, 'c, 'r> {
    cursor: Cursor<'t>,
    document: Document,
    /// The line of the key that was read last, which what is wrong with keys is reported for.
    key_line: i64,
    depth: usize,
    call: &'c Call<'r>,
}

/// A value, and whether it is an array, which may be replaced by a table later.
struct Read {
    node: Node,
    is_array: bool,
}

impl Read {
    fn plain(value: Value) -> Self {
        Self { node: Node::Value(value), is_array: false }
    }
}

/// A key with dots, as far as it is needed to set its value.
struct Key {
    parents: Vec<String>,
    last: String,
}

impl<'t, 'c, 'r> Reader<'t, 'c, 'r> {
    pub(super) fn new(cursor: Cursor<'t>, call: &'c Call<'r>) -> Self {
        Self { cursor, document: Document::default(), key_line: 0, depth: 0, call }
    }

    pub(super) fn into_map(self) -> Map {
        self.document.root.into_map()
    }

    pub(super) fn last_key(&self) -> String {
        self.document.last_key()
    }

    pub(super) fn read(&mut self) -> Outcome<()> {
        loop {
            self.cursor.skip(is_blank_or_newline)?;
            match self.cursor.peek()? {
                None => return Ok(()),
                Some('#') => self.comment()?,
                Some('[') => {
                    self.header()?;
                    self.line_end()?;
                }
                Some(_) => {
                    self.top_level_pair()?;
                    self.line_end()?;
                }
            }
        }
    }

    fn comment(&mut self) -> Outcome<()> {
        self.cursor.skip(|character| !is_newline(character))
    }

    fn line_end(&mut self) -> Outcome<()> {
        self.cursor.skip(is_blank)?;
        match self.cursor.peek()? {
            None => Ok(()),
            Some('#') => self.comment(),
            Some(character) if is_newline(character) => Ok(()),
            Some(other) => Err(self.cursor.fault(TomlProblem::AfterItem(other))),
        }
    }

    /// What is wrong with a key.
    fn in_key<T>(&self, result: Result<T, TomlProblem>) -> Outcome<T> {
        result.map_err(|problem| Fault { line: self.key_line, problem })
    }

    /// What is wrong with a value that ends here.
    fn in_value<T>(&self, result: Result<T, TomlProblem>) -> Outcome<T> {
        result.map_err(|problem| Fault { line: self.cursor.line(), problem })
    }

    /// `[name]` or `[[name]]`.
    fn header(&mut self) -> Outcome<()> {
        self.cursor.next()?;
        let is_array = self.cursor.accept('[')?;
        let name = self.table_name()?;
        if is_array {
            match self.cursor.next()? {
                Some(']') => {}
                other => return Err(self.cursor.fault(TomlProblem::ArrayNameEnd(or_zero(other)))),
            }
        }
        let opened = self.document.open(&name, is_array);
        self.in_key(opened)?;
        self.document.note_kind("", false);
        Ok(())
    }

    fn table_name(&mut self) -> Outcome<Vec<String>> {
        let mut name = Vec::new();
        loop {
            self.cursor.skip(is_blank)?;
            let part = match self.cursor.peek()? {
                Some(']') | None => return Err(self.cursor.fault(TomlProblem::EmptyTableName)),
                Some('.') => return Err(self.cursor.fault(TomlProblem::EmptyTablePart)),
                Some(first) => self.key_part(first, name.is_empty())?,
            };
            self.push_part(&mut name, part)?;
            self.cursor.skip(is_blank)?;
            match self.cursor.next()? {
                Some('.') => {}
                Some(']') => return Ok(name),
                other => return Err(self.cursor.fault(TomlProblem::TableNameEnd(or_zero(other)))),
            }
        }
    }

    fn push_part(&self, key: &mut Vec<String>, part: String) -> Outcome<()> {
        key.push(part);
        if key.len() + self.document.context.len() > MAX_DEPTH {
            return Err(self.cursor.fault(TomlProblem::Depth));
        }
        Ok(())
    }

    /// A part of a key, bare or in quotes.
    fn key_part(&mut self, first: char, is_first_part: bool) -> Outcome<String> {
        let part = match first {
            '"' => {
                self.cursor.next()?;
                self.string()
            }
            '\'' => {
                self.cursor.next()?;
                self.raw_string().map(str::to_owned)
            }
            _ => {
                let start = self.cursor.position();
                let read = self.cursor.skip(is_bare_character);
                read.map(|()| self.cursor.since(start).to_owned())
            }
        }?;
        if is_first_part {
            self.key_line = self.cursor.line();
        }
        Ok(part)
    }

    /// All parts of a key and the sign after it.
    fn key(&mut self) -> Outcome<Key> {
        self.cursor.skip(is_blank)?;
        match self.cursor.peek()? {
            Some('=') | None => return Err(self.cursor.fault(TomlProblem::BlankKey)),
            Some('.') => return Err(self.cursor.fault(TomlProblem::KeyStartsWithDot)),
            Some(_) => {}
        }
        let mut parents = Vec::new();
        loop {
            self.cursor.skip(is_blank)?;
            let last = match self.cursor.peek()? {
                Some('=') | None => return Err(self.cursor.fault(TomlProblem::InKey('='))),
                Some('.') => return Err(self.cursor.fault(TomlProblem::InKey('.'))),
                Some(first) => self.key_part(first, parents.is_empty())?,
            };
            self.cursor.skip(is_blank)?;
            match self.cursor.next()? {
                Some('.') => self.push_part(&mut parents, last)?,
                Some('=') => return Ok(Key { parents, last }),
                None => return Err(self.cursor.fault(TomlProblem::KeyAtEnd)),
                Some('\n') => return Err(self.cursor.fault_before(TomlProblem::AfterKey('\n'))),
                Some(other) => return Err(self.cursor.fault(TomlProblem::AfterKey(other))),
            }
        }
    }

    fn top_level_pair(&mut self) -> Outcome<()> {
        let context = self.document.context.clone();
        let key = self.open_key()?;
        let Read { node, is_array } = self.value(false)?;
        let set = self.document.set(&key.last, || node);
        self.in_key(set)?;
        self.document.note_kind(&key.last, is_array);
        self.document.context = context;
        self.document.key.clear();
        Ok(())
    }

    /// Reads a key and makes the tables that it names.
    fn open_key(&mut self) -> Outcome<Key> {
        let key = self.key()?;
        self.document.key.clone_from(&key.last);
        for parent in &key.parents {
            let name = self.document.within(parent);
            self.document.make_implicit(&name);
            let opened = self.document.open(&name, false);
            self.in_key(opened)?;
        }
        Ok(key)
    }

    fn value(&mut self, is_in_array: bool) -> Outcome<Read> {
        self.cursor.skip(is_blank)?;
        let start = self.cursor.position();
        match self.cursor.next()? {
            Some('0'..='9') => {
                self.cursor.back(1);
                self.number_or_date(start)
            }
            Some('[') => self.nested(Self::array),
            Some('{') => self.nested(|reader| reader.inline_table(is_in_array)),
            Some('"') => self.any_string().map(|text| Read::plain(Value::string(text))),
            Some('\'') => self.any_raw_string().map(|text| Read::plain(Value::string(text))),
            Some('.') => Err(self.cursor.fault(TomlProblem::FloatWithoutDigit)),
            Some('-' | '+') => self.signed_number(start),
            Some(first) if is_letter(first) => self.word(start, first),
            None => Err(self.cursor.fault(TomlProblem::End("value"))),
            Some('\n') => Err(self.cursor.fault_before(TomlProblem::NoValue('\n'))),
            Some(other) => Err(self.cursor.fault(TomlProblem::NoValue(other))),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Outcome<Read>) -> Outcome<Read> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.cursor.fault(TomlProblem::Depth));
        }
        let result = with_stack(|| read(self));
        self.depth -= 1;
        result
    }

    fn array(&mut self) -> Outcome<Read> {
        let key = self.document.key.clone();
        self.document.note_kind(&key, true);
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            match self.cursor.peek()? {
                Some(',') => return Err(self.cursor.fault(TomlProblem::Comma)),
                Some(']') => break,
                _ => items.push(self.value(true)?.node.into_value()),
            }
            self.skip_lines()?;
            match self.cursor.next()? {
                Some(',') => {}
                Some(']') => {
                    self.cursor.back(1);
                    break;
                }
                other => return Err(self.cursor.fault(TomlProblem::AfterElement(other))),
            }
        }
        self.cursor.next()?;
        Ok(Read { node: Node::Value(Value::list(items)), is_array: true })
    }

    /// Blanks, newlines and comments.
    fn skip_lines(&mut self) -> Outcome<()> {
        loop {
            self.cursor.skip(is_blank_or_newline)?;
            if self.cursor.peek()? != Some('#') {
                return Ok(());
            }
            self.comment()?;
        }
    }

    /// `{a = 1, b.c = 2}`. Its keys are set twice: among all keys, where they are told apart and where the table
    /// stays unless it is in an array, and in a table of its own, which the array gets.
    fn inline_table(&mut self, is_in_array: bool) -> Outcome<Read> {
        let outer_context = self.document.context.clone();
        let outer_key = std::mem::take(&mut self.document.key);
        let context = self.document.within(&outer_key);
        if context.len() > MAX_DEPTH {
            return Err(self.cursor.fault(TomlProblem::Depth));
        }
        self.document.make_implicit(&context);
        self.document.context.clone_from(&context);
        let opened = self.document.open(&context, is_in_array);
        self.in_key(opened)?;
        let mut table = Table::default();
        loop {
            self.skip_lines()?;
            match self.cursor.peek()? {
                Some(',') => return Err(self.cursor.fault(TomlProblem::Comma)),
                Some('}') => break,
                _ => self.inline_pair(&mut table)?,
            }
            self.document.context.clone_from(&context);
            self.skip_lines()?;
            match self.cursor.next()? {
                Some(',') => {}
                Some('}') => {
                    self.cursor.back(1);
                    break;
                }
                other => return Err(self.cursor.fault(TomlProblem::AfterPair(other))),
            }
        }
        self.cursor.next()?;
        self.document.context = outer_context;
        self.document.key = outer_key;
        Ok(Read { node: Node::Table(table), is_array: false })
    }

    fn inline_pair(&mut self, table: &mut Table) -> Outcome<()> {
        let key = self.open_key()?;
        let Read { node, is_array } = self.value(false)?;
        let set = self.document.set(&key.last, || node.clone());
        self.in_key(set)?;
        self.document.note_kind(&key.last, is_array);
        let set = table.set(&key.parents, &key.last, node);
        let context = &self.document.context;
        self.in_key(set.ok_or_else(|| TomlProblem::NotInlineTable(key_text(context))))
    }

    /// After a quote: a text, or one of several lines after three quotes.
    fn any_string(&mut self) -> Outcome<String> {
        if !self.accept_two('"')? {
            return self.string();
        }
        let content = self.long_content('"')?;
        self.in_value(unescape(&join_lines(without_first_newline(content))))
    }

    fn any_raw_string(&mut self) -> Outcome<&'t str> {
        if self.accept_two('\'')? {
            Ok(without_first_newline(self.long_content('\'')?))
        } else {
            self.raw_string()
        }
    }

    /// Reads on if two quotes are next.
    fn accept_two(&mut self, quote: char) -> Outcome<bool> {
        if !self.cursor.accept(quote)? {
            return Ok(false);
        }
        let is_second = self.cursor.accept(quote)?;
        if !is_second {
            self.cursor.back(1);
        }
        Ok(is_second)
    }

    fn string(&mut self) -> Outcome<String> {
        let start = self.cursor.position();
        loop {
            match self.cursor.next()? {
                None => return Err(self.cursor.fault(TomlProblem::End("'\"'"))),
                Some('\n' | '\r') => return Err(self.cursor.fault_before(TomlProblem::NewlineInString)),
                Some('\\') => self.escape(start)?,
                Some('"') => break,
                Some(_) => {}
            }
        }
        let content = self.cursor.since(start);
        self.in_value(unescape(&content[..content.len() - 1]))
    }

    fn raw_string(&mut self) -> Outcome<&'t str> {
        let start = self.cursor.position();
        loop {
            match self.cursor.next()? {
                None => return Err(self.cursor.fault(TomlProblem::End("\"'\""))),
                Some('\n' | '\r') => return Err(self.cursor.fault_before(TomlProblem::NewlineInString)),
                Some('\'') => break,
                Some(_) => {}
            }
        }
        let content = self.cursor.since(start);
        Ok(&content[..content.len() - 1])
    }

    /// What stands before three quotes; up to two more may stand before them.
    fn long_content(&mut self, quote: char) -> Outcome<&'t str> {
        let has_escapes = quote == '"';
        let (end, six) = if has_escapes { ("'\"\"\"'", "'\"\"\"\"\"\"'") } else { ("\"'''\"", "\"''''''\"") };
        let start = self.cursor.position();
        loop {
            match self.cursor.next()? {
                None => return Err(self.cursor.fault(TomlProblem::End(end))),
                Some('\\') if has_escapes => self.escape_or_newline(start)?,
                Some(character) if character == quote && self.accept_two(quote)? => {
                    if self.cursor.peek()? != Some(quote) {
                        let content = self.cursor.since(start);
                        return Ok(&content[..content.len() - 3]);
                    }
                    if ends_with_five(self.cursor.since(start), quote) {
                        return Err(self.cursor.fault(TomlProblem::SixQuotes(six)));
                    }
                    self.cursor.back(2);
                }
                Some(_) => {}
            }
        }
    }

    fn escape_or_newline(&mut self, start: usize) -> Outcome<()> {
        if self.cursor.peek()?.is_some_and(is_newline) {
            self.cursor.next()?;
            return Ok(());
        }
        self.escape(start)
    }

    /// After a backslash in a text that begins at `start`.
    fn escape(&mut self, start: usize) -> Outcome<()> {
        match self.cursor.next()? {
            Some('e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\') => Ok(()),
            Some(kind @ ('x' | 'u' | 'U')) => self.escape_digits(start, kind),
            other => Err(self.cursor.fault_or_before(TomlProblem::Escape(or_zero(other)))),
        }
    }

    fn escape_digits(&mut self, start: usize, kind: char) -> Outcome<()> {
        for _ in 0..digit_count(kind) {
            if !self.cursor.next()?.is_some_and(|digit| digit.is_ascii_hexdigit()) {
                let count = match kind {
                    'x' => "two",
                    'u' => "four",
                    _ => "eight",
                };
                let found = self.cursor.since(start).to_owned();
                return Err(self.cursor.fault(TomlProblem::EscapeDigits { count, kind, found }));
            }
        }
        Ok(())
    }

    /// A number or date that begins with a digit.
    fn number_or_date(&mut self, start: usize) -> Outcome<Read> {
        if self.cursor.accept('0')? {
            match self.cursor.peek()? {
                Some('b') => {
                    return self.number_of_base(start, "a binary", |digit| matches!(digit, '0' | '1'));
                }
                Some('o') => {
                    return self.number_of_base(start, "an octal", |digit| matches!(digit, '0'..='7'));
                }
                Some('x') => {
                    return self.number_of_base(start, "a hexadecimal", |digit| digit.is_ascii_hexdigit());
                }
                // A date begins with two digits.
                Some('-' | ':') => return self.integer(start),
                _ => {}
            }
        }
        self.cursor.skip(|digit| digit.is_ascii_digit())?;
        match self.cursor.peek()? {
            Some('-' | ':') => self.date(start),
            _ => self.decimal(start),
        }
    }

    fn number_of_base(
        &mut self,
        start: usize,
        kind: &'static str,
        is_digit: impl Fn(char) -> bool,
    ) -> Outcome<Read> {
        self.cursor.next()?;
        let next = self.cursor.peek()?;
        if !next.is_some_and(&is_digit) {
            let found = self.cursor.since(start).to_owned();
            return Err(self.cursor.fault(TomlProblem::BaseDigit { kind, found, next: or_zero(next) }));
        }
        self.cursor.skip(|character| character == '_' || is_digit(character))?;
        self.integer(start)
    }

    fn integer(&self, start: usize) -> Outcome<Read> {
        self.in_value(number::integer(self.cursor.since(start))).map(Read::plain)
    }

    fn date(&mut self, start: usize) -> Outcome<Read> {
        self.cursor.skip(|character| {
            character.is_ascii_digit()
                || matches!(character, '-' | ':' | 'T' | 't' | ' ' | '.' | 'Z' | 'z' | '+')
        })?;
        self.in_value(number::date(self.cursor.since(start).trim_end(), self.call)).map(Read::plain)
    }

    /// A number of which at least a sign or digit was read.
    fn decimal(&mut self, start: usize) -> Outcome<Read> {
        self.cursor.skip(|character| character.is_ascii_digit() || character == '_')?;
        if !matches!(self.cursor.peek()?, Some('.' | 'e' | 'E')) {
            return self.integer(start);
        }
        self.cursor.skip(|character| {
            character.is_ascii_digit() || matches!(character, '_' | '.' | '-' | '+' | 'e' | 'E')
        })?;
        self.float(start)
    }

    fn float(&self, start: usize) -> Outcome<Read> {
        self.in_value(number::float(self.cursor.since(start))).map(Read::plain)
    }

    fn signed_number(&mut self, start: usize) -> Outcome<Read> {
        match self.cursor.next()? {
            Some('i') => self.signed_word(start, ['n', 'f']),
            Some('n') => self.signed_word(start, ['a', 'n']),
            Some('.') => Err(self.cursor.fault(TomlProblem::FloatWithoutDigit)),
            Some(digit @ '0'..='9') => {
                let base = self.cursor.peek()?.filter(|base| digit == '0' && matches!(base, 'b' | 'o' | 'x'));
                if let Some(base) = base {
                    let found = self.cursor.since(start).to_owned();
                    return Err(self.cursor.fault(TomlProblem::SignedBase(found, base)));
                }
                self.decimal(start)
            }
            other => Err(self.cursor.fault(TomlProblem::NoDigit(or_zero(other)))),
        }
    }

    fn signed_word(&mut self, start: usize, letters: [char; 2]) -> Outcome<Read> {
        if self.accept_all(letters)? {
            return self.float(start);
        }
        let found = self.cursor.since(start).to_owned();
        Err(self.cursor.fault(TomlProblem::FloatWord(found)))
    }

    /// Reads the characters as far as they are next.
    fn accept_all(&mut self, wanted: [char; 2]) -> Outcome<bool> {
        Ok(self.cursor.accept(wanted[0])? && self.cursor.accept(wanted[1])?)
    }

    /// `true`, `false`, `inf`, `nan`. What only begins like one of the latter two is named without its beginning.
    fn word(&mut self, start: usize, first: char) -> Outcome<Read> {
        if !matches!(first, 'i' | 'n') {
            return self.bool(start);
        }
        if self.accept_all(['n', 'f'])? || self.accept_all(['a', 'n'])? {
            return self.float(start);
        }
        self.cursor.back(1);
        self.bool(self.cursor.position())
    }

    fn bool(&mut self, start: usize) -> Outcome<Read> {
        self.cursor.skip(is_letter)?;
        match self.cursor.since(start) {
            "true" => Ok(Read::plain(Value::Bool(true))),
            "false" => Ok(Read::plain(Value::Bool(false))),
            other => Err(self.cursor.fault(TomlProblem::NoWord(other.to_owned()))),
        }
    }
}

/// Whether a text ends with five quotes, none of which is escaped.
fn ends_with_five(text: &str, quote: char) -> bool {
    let before = text.trim_end_matches(quote);
    let is_escaped = quote == '"' && before.ends_with('\\') && text.len() - before.len() == 5;
    text.len() - before.len() >= 5 && !is_escaped
}

/// What stands for the end in a text that shows a character.
fn or_zero(character: Option<char>) -> char {
    character.unwrap_or('\0')
}

fn is_blank(character: char) -> bool {
    matches!(character, '\t' | ' ')
}

fn is_newline(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

fn is_blank_or_newline(character: char) -> bool {
    is_blank(character) || is_newline(character)
}
