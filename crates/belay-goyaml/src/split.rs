//! A stream into documents, before any of them is read.

use crate::error::Error;

/// Splits a stream at its `---` lines as `k8s.io/apimachinery`'s `YAMLReader` does, and says at
/// which 1-based line each part starts.
///
/// A separator is a line that starts with `---` and has nothing but blanks or a comment after it.
/// It stays with the part when nothing stands between it and the separator before; parts may
/// therefore hold a `---` or comments only, and read as null.
///
/// Other text after `---` (`--- a: 1`) stays in its part; [`try_split_documents`] refuses it.
pub fn split_documents(text: &str) -> Vec<(usize, &str)> {
    split(text).0
}

/// [`split_documents`], with Kubernetes' error for text after `---`.
pub fn try_split_documents(text: &str) -> Result<Vec<(usize, &str)>, Error> {
    match split(text) {
        (documents, None) => Ok(documents),
        (_, Some((line, rest))) => {
            Err(Error::bare_at(line, format!("invalid Yaml document separator: {rest}")))
        }
    }
}

type Part<'a> = (usize, &'a str);

/// The parts, and the first line with text after `---`.
fn split(text: &str) -> (Vec<Part<'_>>, Option<Part<'_>>) {
    let mut documents = Vec::new();
    let mut refused = None;
    let mut start = 0;
    let mut start_line = 1;
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            let separates = rest.is_empty() || rest.starts_with('#');
            if !separates {
                refused = refused.or(Some((number + 1, rest)));
            } else if offset > start {
                documents.push((start_line, &text[start..offset]));
                start = end;
                start_line = number + 2;
            }
        }
        offset = end;
    }
    if offset > start {
        documents.push((start_line, &text[start..]));
    }
    (documents, refused)
}
