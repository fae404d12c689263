//! PEM blocks as Go's encoding/pem reads and writes them.

use crate::sprig::encoding::{base64_decode, base64_encode};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";
const LINE: usize = 64;

pub(super) struct Block {
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let mut out = format!("-----BEGIN {kind}-----\n");
    let text = base64_encode(bytes);
    for line in text.as_bytes().chunks(LINE) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The first block that is complete.
pub(super) fn decode(text: &[u8]) -> Option<Block> {
    let mut rest = text;
    loop {
        let end = find(rest, END)?;
        let after = &rest[end + END.len()..];
        if let Some(block) = block_before(&rest[..end], after) {
            return Some(block);
        }
        rest = after;
    }
}

/// The block that starts last in `before` and whose end line goes on with `after`.
fn block_before(before: &[u8], after: &[u8]) -> Option<Block> {
    let begin = before.windows(BEGIN.len()).rposition(|window| window == BEGIN)?;
    if begin > 0 && before[begin - 1] != b'\n' {
        return None;
    }
    let (line, mut body) = first_line(&before[begin + BEGIN.len()..]);
    let kind = line.strip_suffix(DASHES)?;
    let ending = after.strip_prefix(kind)?.strip_prefix(DASHES)?;
    if !first_line(ending).0.is_empty() {
        return None;
    }
    while let (header, rest) = first_line(body)
        && header.contains(&b':')
    {
        body = rest;
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let digits: Vec<u8> = body.iter().copied().filter(|byte| !is_space(byte)).collect();
    let kind = String::from_utf8_lossy(kind).into_owned();
    Some(Block { kind, bytes: base64_decode(&digits).ok()? })
}

/// A line without the space at its end, and what follows it.
fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[][..]),
    };
    (line.trim_ascii_end(), rest)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
