//! Placeholder until the rules are in.
/// A rule that does not compile.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);
#[derive(Debug, Default)]
pub(crate) struct Rules;
impl Rules {
    pub(crate) fn compile(_schema: &serde_json::Value) -> Result<Self, (String, RuleError)> {
        Ok(Self)
    }
}
