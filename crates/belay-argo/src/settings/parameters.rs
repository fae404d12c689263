//! The keys of `argocd-cmd-params-cm` that set something: each is a flag of one of Argo CD's processes.

use std::time::Duration;

use super::document::Key;
use super::error::SettingsError;
use super::{Parameters, values};

/// Most seconds that a delay may have.
const LONGEST_DELAY: u64 = 24 * 60 * 60;

/// Reads one key into the parameters. Gives whether there is such a key.
pub(super) fn read(key: &Key<'_>, text: &str, parameters: &mut Parameters) -> Result<bool, SettingsError> {
    match key.name {
        "application.namespaces" => parameters.application_namespaces = values::list(text),
        "controller.diff.server.side" => {
            parameters.server_side_diff = values::flag(key, text)?;
        }
        "controller.sync.wave.delay.seconds" => {
            let seconds = values::number(key, text, LONGEST_DELAY)?;
            parameters.wave_delay = Some(Duration::from_secs(seconds));
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
