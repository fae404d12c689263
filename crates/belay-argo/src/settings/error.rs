//! What is wrong with a setting, and what is not built.

/// A setting that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{config_map}: {key}: {}{problem}", place(*.line))]
pub struct SettingsError {
    /// The ConfigMap.
    pub config_map: &'static str,
    /// Its key.
    pub key: String,
    /// The line of the key's value, from 1; 0 when the value is the problem as a whole.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

fn place(line: usize) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}

/// Something that is well written and not acted on; it is said, never passed over in silence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// How much it matters.
    pub weight: Weight,
    /// What is said, the key named.
    pub message: String,
}

/// How much a [`Notice`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Apps would be treated otherwise by Argo CD.
    Behaviour,
    /// Nothing that Belay does depends on it.
    Idle,
}
