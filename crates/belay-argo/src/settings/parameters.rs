//! The keys of `argocd-cmd-params-cm`: each is a flag of one of Argo CD's processes.

use std::time::Duration;

use super::document::Key;
use super::error::{SettingsError, Weight};
use super::keys::covers;
use super::{Parameters, values};

/// Most seconds that a delay may have.
const LONGEST_DELAY: u64 = 24 * 60 * 60;

/// Parameters that change how apps are treated and that are not acted on yet, beside the value that changes nothing.
const REFUSED: &[(&str, &str)] = &[
    ("controller.self.heal.timeout.seconds", "0"),
    ("controller.self.heal.backoff.timeout.seconds", "2"),
    ("controller.self.heal.backoff.factor", "3"),
    ("controller.self.heal.backoff.cap.seconds", "300"),
    ("controller.sync.timeout.seconds", "0"),
    ("controller.ignore.normalizer.jq.timeout", "1s"),
    ("reposerver.max.combined.directory.manifests.size", "10M"),
    ("reposerver.allow.oob.symlinks", "false"),
    ("reposerver.include.hidden.directories", "false"),
    ("reposerver.enable.git.submodule", "true"),
    ("hydrator.enabled", "false"),
];

/// Parameters of processes that Belay does not have, and of their speed.
const IDLE: &[&str] = &[
    "controller.*",
    "server.*",
    "reposerver.*",
    "applicationsetcontroller.*",
    "notificationscontroller.*",
    "commitserver.*",
    "dexserver.*",
    "redis.*",
    "otlp.*",
    "log.*",
    "repo.server",
    "commit.server",
];

pub(super) fn read(key: &Key<'_>, text: &str, parameters: &mut Parameters) -> Result<(), SettingsError> {
    match key.name {
        "application.namespaces" => parameters.application_namespaces = values::list(text),
        "controller.diff.server.side" if !text.is_empty() => {
            parameters.server_side_diff = values::flag(key, text)?;
        }
        "controller.sync.wave.delay.seconds" if !text.is_empty() => {
            let seconds = values::number(key, text, LONGEST_DELAY)?;
            parameters.wave_delay = Some(Duration::from_secs(seconds));
        }
        "reposerver.git.request.timeout" if !text.is_empty() => {
            parameters.git_request_timeout = Some(values::duration(key, text)?);
        }
        _ => say_why_not(key, text),
    }
    Ok(())
}

fn say_why_not(key: &Key<'_>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some((_, nothing)) = REFUSED.iter().find(|(name, _)| *name == key.name) {
        if text != *nothing {
            key.note(Weight::Behaviour, "is not supported yet");
        }
    } else if IDLE.iter().any(|pattern| covers(pattern, key.name)) {
        key.note(Weight::Idle, "concerns no part of Belay");
    } else {
        key.note(Weight::Behaviour, "is no key that Argo CD knows");
    }
}
