//! Patterns of paths, as Go's `filepath` reads them: `*` and `?` stay within one part.

use belay_filetree::{FileTree, Kind, TreeError, TreePath};
use regex::Regex;

use crate::error::Error;

/// The pattern as an expression for whole paths.
pub(super) fn expression(pattern: &str) -> Result<Regex, Error> {
    let bad = || Error::rule(format!("'{pattern}': syntax error in pattern"));
    let mut text = String::from("^");
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' => text.push_str(&range(&mut letters).ok_or_else(bad)?),
            '\\' => text.push_str(&regex::escape(&letters.next().ok_or_else(bad)?.to_string())),
            plain => text.push_str(&regex::escape(&plain.to_string())),
        }
    }
    text.push('$');
    Regex::new(&text).map_err(|_| bad())
}

/// What stands between brackets, as a class of letters.
fn range(letters: &mut std::str::Chars<'_>) -> Option<String> {
    let mut text = String::from("[");
    let mut count = 0;
    loop {
        match letters.next()? {
            ']' if count > 0 => break,
            ']' => return None,
            '^' if count == 0 && text == "[" => text.push('^'),
            '-' if count > 0 => text.push('-'),
            '\\' => {
                text.push_str(&regex::escape(&letters.next()?.to_string()));
                count += 1;
            }
            '[' | '&' | '~' => return None,
            plain => {
                text.push(plain);
                count += 1;
            }
        }
    }
    text.push(']');
    Some(text)
}

/// The files and folders that a pattern matches from a folder, in order.
pub(super) fn files(tree: &dyn FileTree, folder: &TreePath, pattern: &str) -> Result<Vec<String>, Error> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let Ok(path) = folder.join(pattern) else { return Ok(Vec::new()) };
        return Ok(if tree.kind(&path)?.is_some() { vec![pattern.to_owned()] } else { Vec::new() });
    }
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let expression = expression(part)?;
        let is_plain = !part.contains(['*', '?', '[', '\\']);
        let mut next = Vec::new();
        for base in found {
            let path = folder.join(&base).map_err(TreeError::from)?;
            let below = |name: &str| if base.is_empty() { name.to_owned() } else { format!("{base}/{name}") };
            if is_plain {
                let known = folder.join(&below(part)).ok().map(|path| tree.kind(&path)).transpose()?;
                next.extend(known.flatten().map(|_| below(part)));
            } else if tree.kind(&path)? == Some(Kind::Directory) {
                let names = tree.list(&path)?.into_iter().map(|entry| entry.name);
                next.extend(names.filter(|name| expression.is_match(name)).map(|name| below(&name)));
            }
        }
        found = next;
    }
    Ok(found)
}
