//! Keys and values for generated objects: literals, files, environment files.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{During, Error};
use crate::keys;
use crate::kustomization::GeneratorArguments;
use crate::loader::Loader;

type Pair = (String, Vec<u8>);

/// Every pair the arguments name, sorted by key. A key may come only once.
pub(crate) fn load(arguments: &GeneratorArguments, loader: &Loader<'_>) -> Result<Vec<Pair>, Error> {
    let mut pairs = Vec::new();
    for reference in &arguments.envs {
        let (file, content) = loader.read(reference).during(|| format!("env source file '{reference}'"))?;
        let lines = environment(&content).during(|| format!("env source file {file}"))?;
        pairs.extend(lines.into_iter().map(|(_, pair)| pair));
    }
    for literal in &arguments.literals {
        pairs.push(literal_pair(literal)?);
    }
    for source in &arguments.files {
        let (key, reference) = file_source(source)?;
        let (_, content) = loader.read(reference).during(|| format!("file source '{source}'"))?;
        pairs.push((key.to_owned(), content.to_vec()));
    }
    let mut seen = HashSet::new();
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !seen.insert(key.clone())) {
        return Err(Error::rule(format!("'{}' illegally repeats the key '{key}'", arguments.name)));
    }
    pairs.iter().try_for_each(|(key, _)| keys::check(key))?;
    pairs.sort();
    Ok(pairs)
}

/// `key=value`, where the value may stand in quotes.
fn literal_pair(literal: &str) -> Result<Pair, Error> {
    match literal.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), unquoted(value).as_bytes().to_vec())),
        _ => Err(Error::rule(format!("invalid literal source '{literal}', expected key=value"))),
    }
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    text
}

/// `key=path`, or a path whose last part is the key.
pub(crate) fn file_source(source: &str) -> Result<(&str, &str), Error> {
    let parts: Vec<&str> = source.split('=').collect();
    match parts[..] {
        [path] => {
            let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
            Ok((name, path))
        }
        ["", path] => {
            Err(Error::rule(format!("missing key name for file path '{path}' in source '{source}'")))
        }
        [key, ""] => Err(Error::rule(format!("missing file path for key name '{key}' in source '{source}'"))),
        [key, path] => Ok((key, path)),
        _ => Err(Error::rule(format!("source '{source}' key name or file path contains '='"))),
    }
}

/// The 1-based line of an environment file that gives a key its value.
pub(crate) fn environment_line(content: &[u8], key: &str) -> Option<usize> {
    environment(content).ok()?.into_iter().find(|(_, (name, _))| name == key).map(|(line, _)| line)
}

/// Lines of `NAME=value` and their numbers; empty ones and those that start with `#` are skipped.
fn environment(content: &[u8]) -> Result<Vec<(usize, Pair)>, Error> {
    let mut pairs = Vec::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line)
            .map_err(|_| Error::rule(format!("line {} has invalid utf8 bytes", number + 1)))?;
        let line = if number == 0 { line.trim_start_matches('\u{feff}') } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((number + 1, (key.to_owned(), value.as_bytes().to_vec())));
        }
    }
    Ok(pairs)
}

/// Base64 in lines of seventy letters, where one line is not enough.
pub(crate) fn base64_lines(content: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = STANDARD.encode(content);
    if encoded.len() / LINE == 0 {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    for start in (0..encoded.len()).step_by(LINE) {
        lines.push_str(&encoded[start..encoded.len().min(start + LINE)]);
        lines.push('\n');
    }
    lines
}
