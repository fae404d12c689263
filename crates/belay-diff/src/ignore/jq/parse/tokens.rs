//! From a text to words and signs.

/// The most texts within texts.
const DEEPEST: usize = 32;

/// Longer signs come before those they begin with.
const SIGNS: &[&str] = &[
    "//=", "|=", "+=", "-=", "*=", "/=", "%=", "//", "==", "!=", "<=", ">=", "..", "?", "|", ",", ".", "[",
    "]", "(", ")", ":", ";", "<", ">", "-", "+", "*", "/", "%", "=", "{", "}", "$",
];

/// What changes a value: it names no paths.
pub(super) const ASSIGNMENTS: &[&str] = &["//=", "|=", "+=", "-=", "*=", "/=", "%=", "="];

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `.name`, without the dot.
    Field(String),
    Name(String),
    Text(Vec<Part>),
    /// `@name`, without the sign.
    Format(String),
    Number(f64),
    Sign(&'static str),
}

/// A part of a text in quotes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// What stands there.
    Plain(String),
    /// `\(…)`
    Made(Vec<Token>),
}

impl Token {
    /// As it is shown in an error.
    pub(super) fn text(&self) -> String {
        match self {
            Token::Field(name) => format!(".{name}"),
            Token::Name(text) => text.clone(),
            Token::Text(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Plain(text) => text,
                    Part::Made(_) => "\\(…)",
                })
                .collect(),
            Token::Format(name) => format!("@{name}"),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// All words and signs of an expression.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    read(text, 0).map(|(tokens, _)| tokens)
}

/// What is there, in so many texts. Within one it ends at the parenthesis that it does not open, and what follows is given
/// back.
fn read(text: &str, depth: usize) -> Result<(Vec<Token>, &str), String> {
    if depth > DEEPEST {
        return Err(format!("has texts deeper in texts than {DEEPEST}"));
    }
    let mut tokens = Vec::new();
    let mut open = 0_usize;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = match first {
            '#' => rest.split_once('\n').map_or("", |(_, next)| next),
            ')' if depth > 0 && open == 0 => return Ok((tokens, &rest[1..])),
            '"' => {
                let (parts, after) = parts(&rest[1..], depth)?;
                tokens.push(Token::Text(parts));
                after
            }
            _ => {
                let (token, after) = word(rest, first)?;
                open = match token {
                    Token::Sign("(") => open + 1,
                    Token::Sign(")") => open.saturating_sub(1),
                    _ => open,
                };
                tokens.push(token);
                after
            }
        };
        rest = after.trim_start();
    }
    if depth > 0 { Err("a text has no end".to_owned()) } else { Ok((tokens, "")) }
}

/// A number, a name or a sign.
fn word(text: &str, first: char) -> Result<(Token, &str), String> {
    let begins_name = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let name = |text: &str| {
        let is_other = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        text.find(is_other).unwrap_or(text.len())
    };
    if text.strip_prefix('.').unwrap_or(text).starts_with(|letter: char| letter.is_ascii_digit()) {
        let end = end_of_number(text);
        let number = text[..end].parse().map_err(|_unreadable| "a number cannot be read")?;
        return Ok((Token::Number(number), &text[end..]));
    }
    if begins_name(first) {
        let end = name(text);
        return Ok((Token::Name(text[..end].to_owned()), &text[end..]));
    }
    if first == '$' && !text[1..].starts_with(begins_name) {
        return Err("unexpected \"$\"".to_owned());
    }
    let begins_format = |letter: char| first == '@' && letter.is_ascii_digit();
    if matches!(first, '.' | '@')
        && text[1..].starts_with(|letter| begins_name(letter) || begins_format(letter))
    {
        let end = 1 + name(&text[1..]);
        let name = text[1..end].to_owned();
        return Ok((if first == '.' { Token::Field(name) } else { Token::Format(name) }, &text[end..]));
    }
    let sign = SIGNS.iter().find(|sign| text.starts_with(**sign));
    let sign = sign.ok_or_else(|| format!("unexpected {first:?}"))?;
    Ok((Token::Sign(sign), &text[sign.len()..]))
}

/// `1`, `.5`, `1.5`, `1e3`, `1.5E-3`
fn end_of_number(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = &text[from..];
        from + rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
    };
    let whole = digits(0);
    let plain = if text[whole..].starts_with('.') { digits(whole + 1) } else { whole };
    let Some(exponent) = text[plain..].strip_prefix(['e', 'E']) else { return plain };
    let sign = usize::from(exponent.starts_with(['+', '-']));
    let end = digits(plain + 1 + sign);
    if end == plain + 1 + sign { plain } else { end }
}

/// The parts of a text whose first quote was read, and what follows its last.
fn parts(text: &str, depth: usize) -> Result<(Vec<Part>, &str), String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (end, is_last) = end_of_plain(rest).ok_or("a text has no end")?;
        if end > 0 {
            let read = serde_json::from_str(&format!("\"{}\"", &rest[..end]));
            parts.push(Part::Plain(read.map_err(|_unreadable| "a text cannot be read")?));
        }
        if is_last {
            return Ok((parts, &rest[end + 1..]));
        }
        let (made, after) = read(&rest[end + 2..], depth + 1)?;
        parts.push(Part::Made(made));
        rest = after;
    }
}

/// Where what stands in a text ends, and whether by its last quote: otherwise by `\(`.
fn end_of_plain(text: &str) -> Option<(usize, bool)> {
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((place, true)),
            '\\' if letters.next()?.1 == '(' => return Some((place, false)),
            _ => {}
        }
    }
    None
}
