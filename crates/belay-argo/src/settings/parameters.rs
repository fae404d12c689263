//! The keys of `argocd-cmd-params-cm` that set something: each is a flag of one of Argo CD's processes.

use super::document::Key;
use super::error::SettingsError;
use super::{Parameters, values};

/// Most seconds that a delay may have.
const LONGEST_DELAY: u64 = 24 * 60 * 60;
/// Most seconds that Argo CD takes: `math.MaxInt32`.
const LONGEST: u64 = i32::MAX as u64;

/// Reads one key into the parameters. Gives whether there is such a key.
pub(super) fn read(key: &Key<'_>, text: &str, parameters: &mut Parameters) -> Result<bool, SettingsError> {
    match key.name {
        "application.namespaces" => parameters.application_namespaces = values::list(text),
        "controller.diff.server.side" => {
            parameters.server_side_diff = values::flag(key, text)?;
        }
        "controller.sync.wave.delay.seconds" => {
            parameters.wave_delay = Some(values::seconds(key, text, LONGEST_DELAY)?);
        }
        "controller.sync.timeout.seconds" => {
            let timeout = values::seconds(key, text, LONGEST)?;
            parameters.sync_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        }
        "controller.self.heal.timeout.seconds" => {
            parameters.heal_pace.fixed = values::seconds(key, text, LONGEST)?;
        }
        "controller.self.heal.backoff.timeout.seconds" => {
            parameters.heal_pace.first = values::seconds(key, text, LONGEST)?;
        }
        "controller.self.heal.backoff.factor" => {
            parameters.heal_pace.factor = values::number(key, text, LONGEST)?;
        }
        "controller.self.heal.backoff.cap.seconds" => {
            parameters.heal_pace.longest = values::seconds(key, text, LONGEST)?;
        }
        "reposerver.enable.git.submodule" => {
            parameters.without_submodules = !values::flag(key, text)?;
        }
        "reposerver.git.request.timeout" => {
            parameters.git_request_timeout = Some(values::duration(key, text)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}
