//! What a source leaves out of its artifact: patterns as in `.gitignore`, by Flux's rules.

use belay_filetree::{FileTree, Kind, TreeError, TreePath};

/// The file by which a folder says itself what is left out below it.
const OWN_LIST: &str = ".sourceignore";
/// Always left out.
const VERSION_CONTROL: &str = ".git/,.gitignore,.gitmodules,.gitattributes";
/// Left out unless there is any pattern of the user's own.
const DEFAULTS: &str = "*.jpg,*.jpeg,*.gif,*.png,*.wmv,*.flv,*.tar.gz,*.zip,.github/,.circleci/,.travis.yml,\
    .gitlab-ci.yml,appveyor.yml,.drone.yml,cloudbuild.yaml,codeship-services.yml,codeship-steps.yml,\
    **/.goreleaser.yml,**/.sops.yaml,**/.flux.yaml";

/// Patterns, of which the last that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// The folder that the pattern is about.
    domain: Vec<String>,
    parts: Vec<String>,
    includes: bool,
    only_folders: bool,
}

impl Default for Ignore {
    fn default() -> Ignore {
        Ignore::from_patterns(Vec::new())
    }
}

impl Ignore {
    /// The patterns of the tree's own lists, then those of the source's spec.
    pub(crate) fn of(tree: &dyn FileTree, spec: &str) -> Result<Ignore, TreeError> {
        let mut patterns = Vec::new();
        collect(tree, &TreePath::root(), &mut patterns)?;
        patterns.extend(parse(spec, &[]));
        Ok(Ignore::from_patterns(patterns))
    }

    fn from_patterns(own: Vec<Pattern>) -> Ignore {
        let mut patterns: Vec<Pattern> =
            VERSION_CONTROL.split(',').map(|text| Pattern::parse(text, &[])).collect();
        if own.is_empty() {
            patterns.extend(DEFAULTS.split(',').map(|text| Pattern::parse(text, &[])));
        }
        patterns.extend(own);
        Ignore { patterns }
    }

    /// Whether a path stays out.
    pub(crate) fn leaves_out(&self, path: &TreePath, is_folder: bool) -> bool {
        let names: Vec<&str> = path.components().collect();
        let decides = self.patterns.iter().rev().find(|pattern| pattern.matches(&names, is_folder));
        decides.is_some_and(|pattern| !pattern.includes)
    }

    /// Whether some pattern brings back what another leaves out.
    pub(crate) fn includes_again(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.includes)
    }
}

fn collect(tree: &dyn FileTree, folder: &TreePath, patterns: &mut Vec<Pattern>) -> Result<(), TreeError> {
    let entries = tree.entries(folder)?;
    if entries.iter().any(|entry| entry.name == OWN_LIST && entry.kind.is_file()) {
        let text = tree.load(&folder.child(OWN_LIST))?;
        let domain: Vec<String> = folder.components().map(str::to_owned).collect();
        patterns.extend(parse(&String::from_utf8_lossy(&text), &domain));
    }
    for entry in entries {
        if entry.kind == Kind::Directory && entry.name != ".git" {
            collect(tree, &folder.child(&entry.name), patterns)?;
        }
    }
    Ok(())
}

fn parse(text: &str, domain: &[String]) -> Vec<Pattern> {
    let is_pattern = |line: &&str| !line.starts_with('#') && !line.trim().is_empty();
    text.lines().filter(is_pattern).map(|line| Pattern::parse(line, domain)).collect()
}

impl Pattern {
    fn parse(text: &str, domain: &[String]) -> Pattern {
        let (includes, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = if text.ends_with("\\ ") { text } else { text.trim_end_matches(' ') };
        let (only_folders, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        Pattern {
            domain: domain.to_vec(),
            parts: text.split('/').map(str::to_owned).collect(),
            includes,
            only_folders,
        }
    }

    fn matches(&self, path: &[&str], is_folder: bool) -> bool {
        if path.len() <= self.domain.len() || !self.domain.iter().zip(path).all(|(one, other)| one == other) {
            return false;
        }
        let path = &path[self.domain.len()..];
        match self.parts.as_slice() {
            [name] => self.matches_a_name(name, path, is_folder),
            parts => self.matches_from_the_top(parts, path, is_folder),
        }
    }

    /// A pattern without a slash is about every name on the path.
    fn matches_a_name(&self, name: &str, path: &[&str], is_folder: bool) -> bool {
        let found = path.iter().position(|part| glob(name, part));
        found.is_some_and(|position| !self.only_folders || is_folder || position + 1 < path.len())
    }

    /// A pattern with a slash is about the path from the domain down.
    fn matches_from_the_top(&self, parts: &[String], path: &[&str], is_folder: bool) -> bool {
        let (mut rest, mut matched, mut may_skip) = (path, false, false);
        for (position, part) in parts.iter().enumerate() {
            match part.as_str() {
                "" => may_skip = false,
                "**" if position + 1 == parts.len() => break,
                "**" => may_skip = true,
                part if part.contains("**") || rest.is_empty() => return false,
                part if may_skip => {
                    may_skip = false;
                    match rest.iter().position(|name| glob(part, name)) {
                        Some(found) => {
                            matched = true;
                            rest = &rest[found + 1..];
                        }
                        None => {
                            matched = false;
                            rest = &[];
                        }
                    }
                }
                part if glob(part, rest[0]) => {
                    matched = true;
                    rest = &rest[1..];
                }
                _ => return false,
            }
        }
        matched && !(self.only_folders && !is_folder && rest.is_empty())
    }
}

/// Go's `filepath.Match`; a malformed pattern matches nothing.
fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    glob_from(&pattern, &name)
}

fn glob_from(pattern: &[char], name: &[char]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // The last star, and the name where it stood: it can take one letter more.
    let mut star: Option<(&[char], &[char])> = None;
    loop {
        let step = match pattern.first() {
            Some('*') => {
                pattern = &pattern[1..];
                star = Some((pattern, name));
                continue;
            }
            None => name.is_empty().then_some(0),
            Some(_) => one(pattern, name),
        };
        match (step, star) {
            (Some(0), _) => return true,
            (Some(length), _) => {
                pattern = &pattern[length..];
                name = &name[1..];
            }
            (None, Some((after, at))) if !at.is_empty() => {
                star = Some((after, &at[1..]));
                (pattern, name) = (after, &at[1..]);
            }
            (None, _) => return false,
        }
    }
}

/// How much of the pattern matches the first letter of the name.
fn one(pattern: &[char], name: &[char]) -> Option<usize> {
    let letter = *name.first()?;
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == letter).then_some(2),
        ['[', class @ ..] => class_of(class, letter).map(|length| length + 1),
        [plain, ..] => (*plain == letter).then_some(1),
        [] => None,
    }
}

/// The length of `a-z]` or `^a-z]` when the letter is of it.
fn class_of(class: &[char], letter: char) -> Option<usize> {
    let is_negated = class.first() == Some(&'^');
    let mut place = usize::from(is_negated);
    let (mut is_in, mut is_first) = (false, true);
    while is_first || class.get(place) != Some(&']') {
        is_first = false;
        let (low, length) = class_letter(&class[place..])?;
        place += length;
        let mut high = low;
        if class.get(place) == Some(&'-') {
            let (end, length) = class_letter(&class[place + 1..])?;
            high = end;
            place += 1 + length;
        }
        is_in |= (low..=high).contains(&letter);
    }
    (is_in != is_negated).then_some(place + 1)
}

fn class_letter(class: &[char]) -> Option<(char, usize)> {
    match class {
        ['\\', escaped, ..] => Some((*escaped, 2)),
        ['-' | ']', ..] | [] => None,
        [letter, ..] => Some((*letter, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;

    fn left_out(ignore: &Ignore, paths: &[&str]) -> Vec<String> {
        let path = |text: &str| TreePath::parse(text.trim_end_matches('/')).unwrap();
        let out = paths.iter().filter(|text| ignore.leaves_out(&path(text), text.ends_with('/')));
        out.map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_defaults_hold_until_there_is_a_pattern() {
        let paths = ["a.yaml", "docs/logo.png", ".git/x", ".github/a.yml", "x/.sops.yaml", "a.tar.gz"];
        let tree = MemoryTree::of([("a.yaml", "")]);
        let ignore = Ignore::of(&tree, "").unwrap();
        assert_eq!(left_out(&ignore, &paths), paths[1..]);
        let own = Ignore::of(&tree, "# nothing\n\nunused\n").unwrap();
        assert_eq!(left_out(&own, &paths), [".git/x"]);
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore = Ignore::of(&MemoryTree::of([("a", "")]), "/*\n!/deploy\n/deploy/secret/\n").unwrap();
        let paths = ["README.md", "deploy/", "deploy/a.yaml", "deploy/secret/", "deploy/secret/x", "src/a/b"];
        assert_eq!(left_out(&ignore, &paths), ["README.md", "deploy/secret/", "deploy/secret/x", "src/a/b"]);
    }

    #[test]
    fn a_list_is_about_its_own_folder_and_the_spec_has_the_last_word() {
        let tree = MemoryTree::of([("apps/.sourceignore", "*.txt\n"), ("b.txt", "")]);
        let ignore = Ignore::of(&tree, "!keep.txt").unwrap();
        assert_eq!(left_out(&ignore, &["b.txt", "apps/b.txt", "apps/x/keep.txt"]), ["apps/b.txt"]);
    }

    #[test]
    fn patterns_are_read_as_go_reads_them() {
        for (pattern, path, expected) in [
            ("**/node/x", "a/b/node/x", true),
            ("a/**", "a/b/c", true),
            ("a/**/c", "a/b/d/c", true),
            ("a/**/c", "a/b/d", false),
            ("/a", "b/a", false),
            ("a", "b/a", true),
            ("*.y?ml", "x/a.yaml", true),
            ("[a-c].md", "b.md", true),
            ("[^a-c].md", "b.md", false),
            ("[a", "a", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("x/", "x", false),
        ] {
            let pattern = Pattern::parse(pattern, &[]);
            let names: Vec<&str> = path.split('/').collect();
            assert_eq!(pattern.matches(&names, false), expected, "{pattern:?} {path}");
        }
    }
}
