//! `.helmignore`: which files of a folder are not part of the chart.

use belay_filetree::{BadPattern, path_match};

/// Why a `.helmignore` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// `**` has no meaning here.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A pattern that is not well formed.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

/// The rules of a `.helmignore`, in order; the first that applies decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: String,
    negated: bool,
    folders_only: bool,
    /// Without a slash a pattern looks at the file's name alone.
    name_only: bool,
}

impl IgnoreRules {
    /// Reads the file, and adds Helm's own rule: no dot files in `templates/`.
    pub(crate) fn parse(text: &str) -> Result<IgnoreRules, IgnoreError> {
        let mut rules = IgnoreRules::default();
        for line in text.trim_start_matches('\u{feff}').lines() {
            rules.add(line)?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), IgnoreError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        path_match(line, "abc")?;
        let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let (rooted, line) = line.strip_prefix('/').map_or((false, line), |rest| (true, rest));
        let name_only = !rooted && !line.contains('/');
        self.rules.push(Rule { pattern: line.to_owned(), negated, folders_only, name_only });
        Ok(())
    }

    /// Whether the file or folder is left out. A negated rule leaves out what it does not match.
    pub(crate) fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.rules {
            if rule.negated {
                if (rule.folders_only && !is_folder) || !rule.matches(path) {
                    return true;
                }
            } else if (!rule.folders_only || is_folder) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        let name = if self.name_only { path.rsplit('/').next().unwrap_or(path) } else { path };
        path_match(&self.pattern, name).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_applies_decides() {
        let rules = IgnoreRules::parse("# comment\n\n*.txt\n/rooted\ndocs/\na/b*\n").unwrap();
        assert!(rules.is_ignored("x/y.txt", false));
        assert!(rules.is_ignored("rooted", false));
        assert!(!rules.is_ignored("x/rooted", false));
        assert!(rules.is_ignored("x/docs", true));
        assert!(!rules.is_ignored("x/docs", false));
        assert!(rules.is_ignored("a/bc", false));
        assert!(rules.is_ignored("templates/.hidden", false));
        assert!(!rules.is_ignored("templates/x.yaml", false));
        assert_eq!(IgnoreRules::parse("a/**").unwrap_err(), IgnoreError::DoubleStar);
    }

    #[test]
    fn a_negated_rule_leaves_out_the_rest() {
        let rules = IgnoreRules::parse("!keep.txt").unwrap();
        assert!(rules.is_ignored("other.txt", false));
        assert!(!rules.is_ignored("keep.txt", false));
    }
}
