//! Shell patterns: `*`, `?`, `[a-z]`, `\c`. Unlike a shell's, `*` and `?` match `/` too.

/// A pattern that cannot be read matches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadPattern;

/// Whether the pattern matches all of the name. `steps` counts the work.
pub(super) fn matches(pattern: &[u8], name: &[u8], steps: &mut usize) -> Result<bool, BadPattern> {
    let (mut pattern, mut name) = (pattern, name);
    'chunks: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(true);
        }
        *steps += 1 + chunk.len();
        if let Some(left) = match_chunk(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            for skipped in 1..=name.len() {
                *steps += 1;
                if let Some(left) = match_chunk(chunk, &name[skipped..])? {
                    if pattern.is_empty() && !left.is_empty() {
                        continue;
                    }
                    name = left;
                    continue 'chunks;
                }
            }
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Whether stars lead, the letters up to the next star, and what follows.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|letter| **letter == b'*').count();
    let pattern = &pattern[stars..];
    let (mut at, mut in_range) = (0, false);
    while at < pattern.len() {
        match pattern[at] {
            b'\\' if at + 1 < pattern.len() => at += 1,
            b'[' => in_range = true,
            b']' => in_range = false,
            b'*' if !in_range => break,
            _ => {}
        }
        at += 1;
    }
    (stars > 0, &pattern[..at], &pattern[at..])
}

/// What is left of the name behind the chunk, if the name starts with it.
fn match_chunk<'n>(mut chunk: &[u8], mut name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
    while let Some((&first, rest)) = chunk.split_first() {
        if name.is_empty() {
            return Ok(None);
        }
        match first {
            b'[' => {
                let (letter, length) = letter_of(name);
                name = &name[length..];
                let (hit, behind) = match_range(rest, letter)?;
                if !hit {
                    return Ok(None);
                }
                chunk = behind;
            }
            b'?' => {
                name = &name[letter_of(name).1..];
                chunk = rest;
            }
            first => {
                let (wanted, behind) = match (first, rest.split_first()) {
                    (b'\\', None) => return Err(BadPattern),
                    (b'\\', Some((escaped, behind))) => (*escaped, behind),
                    (plain, _) => (plain, rest),
                };
                if wanted != name[0] {
                    return Ok(None);
                }
                (name, chunk) = (&name[1..], behind);
            }
        }
    }
    Ok(Some(name))
}

/// Whether the range behind a `[` takes the letter, and what follows its `]`.
fn match_range(mut chunk: &[u8], letter: char) -> Result<(bool, &[u8]), BadPattern> {
    let negated = chunk.first() == Some(&b'^');
    if negated {
        chunk = &chunk[1..];
    }
    let (mut hit, mut count) = (false, 0);
    loop {
        if let (Some((b']', rest)), true) = (chunk.split_first(), count > 0) {
            return Ok((hit != negated, rest));
        }
        let (low, rest) = bound(chunk)?;
        let mut high = low;
        chunk = rest;
        if chunk[0] == b'-' {
            (high, chunk) = bound(&chunk[1..])?;
        }
        hit |= low <= letter && letter <= high;
        count += 1;
    }
}

/// One end of a range, which something must follow.
fn bound(chunk: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let chunk = match chunk.split_first() {
        None | Some((b'-' | b']', _)) => return Err(BadPattern),
        Some((b'\\', rest)) => rest,
        Some(_) => chunk,
    };
    if chunk.is_empty() {
        return Err(BadPattern);
    }
    let (letter, length) = letter_of(chunk);
    match &chunk[length..] {
        [] => Err(BadPattern),
        rest => Ok((letter, rest)),
    }
}

/// The first letter and its length; a byte of no letter counts as one.
fn letter_of(text: &[u8]) -> (char, usize) {
    let start = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |letter| (letter, letter.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes(), &mut 0);
        assert_eq!(check("*.", "a.b."), Ok(true));
        assert_eq!(check("a*b*c", "a/x/b-c"), Ok(true));
        assert_eq!(check("[a-c]?", "bé"), Ok(true));
        assert_eq!(check("[^a-c]", "b"), Ok(false));
        assert_eq!(check(r"\*", "*"), Ok(true));
        assert_eq!(check("[a", "a"), Err(BadPattern));
        assert_eq!(check("[]", "a"), Err(BadPattern));
    }
}
