//! What Go's `encoding/json` says of a text that is not JSON.

/// Lists and objects within each other that Go reads.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// The error of the first byte that does not belong where it stands.
pub fn go_json_error(text: &str) -> String {
    let mut scanner = Scanner { rest: text.as_bytes() };
    let result = scanner.value(0).and_then(|()| match scanner.next_after_blanks() {
        None => Ok(()),
        Some(byte) => Err(unexpected(byte, "after top-level value")),
    });
    result.err().unwrap_or_else(|| "invalid JSON".to_owned())
}

struct Scanner<'t> {
    rest: &'t [u8],
}

fn unexpected(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        other => {
            let quoted = crate::format::go_quote(char::from(other).to_string().as_bytes());
            quoted[1..quoted.len() - 1].to_owned()
        }
    };
    format!("invalid character '{shown}' {place}")
}

fn end() -> String {
    "unexpected end of JSON input".to_owned()
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// At its end Go reads one more blank, which is no part of a number, word or escape.
    fn next_or_blank(&mut self) -> u8 {
        self.next().unwrap_or(b' ')
    }

    fn next_after_blanks(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.next()
    }

    fn skip_blanks(&mut self) {
        let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n');
        self.rest = &self.rest[self.rest.iter().take_while(blank).count()..];
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        match self.next_after_blanks().ok_or_else(end)? {
            byte @ (b'{' | b'[') if depth >= MAX_DEPTH => Err(unexpected(byte, "exceeded max depth")),
            b'{' => crate::exec::with_stack(|| self.object(depth)),
            b'[' => crate::exec::with_stack(|| self.list(depth)),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            byte @ (b'-' | b'0'..=b'9') => self.number(byte),
            byte => Err(unexpected(byte, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), String> {
        let mut first = true;
        loop {
            match self.next_after_blanks().ok_or_else(end)? {
                b'}' if first => return Ok(()),
                b'"' => self.string()?,
                byte => return Err(unexpected(byte, "looking for beginning of object key string")),
            }
            match self.next_after_blanks().ok_or_else(end)? {
                b':' => self.value(depth + 1)?,
                byte => return Err(unexpected(byte, "after object key")),
            }
            match self.next_after_blanks().ok_or_else(end)? {
                b'}' => return Ok(()),
                b',' => first = false,
                byte => return Err(unexpected(byte, "after object key:value pair")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), String> {
        self.skip_blanks();
        if self.rest.first() == Some(&b']') {
            self.next();
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.next_after_blanks().ok_or_else(end)? {
                b']' => return Ok(()),
                b',' => {}
                byte => return Err(unexpected(byte, "after array element")),
            }
        }
    }

    fn string(&mut self) -> Result<(), String> {
        loop {
            match self.next().ok_or_else(end)? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                byte if byte < 0x20 => return Err(unexpected(byte, "in string literal")),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.next_or_blank() {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let byte = self.next_or_blank();
                    if !byte.is_ascii_hexdigit() {
                        return Err(unexpected(byte, "in \\u hexadecimal character escape"));
                    }
                }
                Ok(())
            }
            byte => Err(unexpected(byte, "in string escape code")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        for wanted in word.bytes().skip(1) {
            let byte = self.next_or_blank();
            if byte != wanted {
                let place = format!("in literal {word} (expecting '{}')", char::from(wanted));
                return Err(unexpected(byte, &place));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), String> {
        let mut leading = first;
        if first == b'-' {
            leading = self.digit("in numeric literal")?;
        }
        if leading != b'0' {
            self.skip_digits();
        }
        if self.rest.first() == Some(&b'.') {
            self.next();
            self.digit("after decimal point in numeric literal")?;
            self.skip_digits();
        }
        if matches!(self.rest.first(), Some(b'e' | b'E')) {
            self.next();
            if matches!(self.rest.first(), Some(b'+' | b'-')) {
                self.next();
            }
            self.digit("in exponent of numeric literal")?;
            self.skip_digits();
        }
        Ok(())
    }

    fn digit(&mut self, place: &str) -> Result<u8, String> {
        let byte = self.next_or_blank();
        if byte.is_ascii_digit() { Ok(byte) } else { Err(unexpected(byte, place)) }
    }

    fn skip_digits(&mut self) {
        self.rest = &self.rest[self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count()..];
    }
}
