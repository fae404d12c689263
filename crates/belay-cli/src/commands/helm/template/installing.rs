//! Flags about installing. Rendering takes them as Helm does: it refuses what they cannot mean, and has no other use
//! for them.

use belay_gotemplate::parse_duration;

use crate::failure::Original;
use crate::original_flags::parse_bool;

/// The labels of a release that are Helm's own.
const OWN_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// Flags that change nothing about what is printed.
#[derive(clap::Args, Default)]
pub(super) struct Installing {
    /// No effect: nothing is installed.
    #[arg(long)]
    create_namespace: bool,
    /// No effect: no release is recorded.
    #[arg(long, allow_hyphen_values = true)]
    description: Option<String>,
    /// No effect: no release is recorded. Helm's own labels are refused.
    #[arg(short, long, value_name = "KEY=VALUE,…")]
    labels: Vec<String>,
    /// No effect: nothing is installed.
    #[arg(long)]
    force_replace: bool,
    /// No effect: nothing is installed.
    #[arg(long)]
    force_conflicts: bool,
    /// No effect: nothing is installed.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOLEAN")]
    server_side: Option<String>,
    /// No effect: nothing is installed.
    #[arg(long)]
    replace: bool,
    /// No effect: nothing is installed.
    #[arg(long)]
    rollback_on_failure: bool,
    /// No effect: nothing is installed.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// No effect: nothing is installed.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "watcher", value_name = "STRATEGY")]
    wait: Option<String>,
    /// No effect: nothing is installed.
    #[arg(long)]
    wait_for_jobs: bool,
    /// No effect without a post-renderer.
    #[arg(long, allow_hyphen_values = true, value_name = "ARGUMENT")]
    post_renderer_args: Vec<String>,
    #[command(flatten)]
    outdated: Outdated,
}

/// Flags of Helm 3 that Helm 4 still takes.
#[derive(clap::Args, Default)]
struct Outdated {
    #[arg(long, hide = true)]
    atomic: bool,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
}

impl Installing {
    /// What Helm says of flags that it will not take for ever.
    pub(super) fn deprecations(&self) -> Vec<String> {
        let nothing = "this flag has no effect for 'helm template' and will be removed in Helm 5";
        let outdated = [
            (self.outdated.atomic, "atomic", "use --rollback-on-failure instead"),
            (self.outdated.force, "force", "use --force-replace instead"),
            (self.outdated.hide_notes, "hide-notes", nothing),
            (self.outdated.render_subchart_notes, "render-subchart-notes", nothing),
        ];
        let given = outdated.into_iter().filter(|(is_given, _, _)| *is_given);
        given.map(|(_, flag, advice)| format!("Flag --{flag} has been deprecated, {advice}")).collect()
    }

    /// Refuses what the flags cannot mean.
    pub(super) fn check(&self, warnings: &mut Vec<String>) -> Result<(), Original> {
        self.check_wait(warnings)?;
        if let Some(text) = &self.timeout {
            parse_duration(text).map_err(|error| invalid(text, "--timeout", &error.to_string()))?;
        }
        if let Some(text) = self.server_side.as_deref().filter(|text| parse_bool(text).is_err()) {
            let reason = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
            return Err(invalid(text, "--server-side", &reason));
        }
        for text in &self.labels {
            if let Some(pair) = pairs(text).into_iter().find(|pair| !pair.contains('=')) {
                let reason = format!("{pair} must be formatted as key=value");
                return Err(invalid(text, "-l, --labels", &reason));
            }
        }
        let forced = [(self.force_replace, "force-replace"), (self.outdated.force, "force")];
        match forced.into_iter().find(|(is_given, _)| *is_given && self.force_conflicts) {
            Some((_, flag)) => {
                let mut both = [flag, "force-conflicts"];
                both.sort_unstable();
                Err(Original::new(format!(
                    "if any flags in the group [{flag} force-conflicts] are set none of the others can be; [{}] were \
                     all set",
                    both.join(" ")
                )))
            }
            None => Ok(()),
        }
    }

    fn check_wait(&self, warnings: &mut Vec<String>) -> Result<(), Original> {
        let Some(text) = self.wait.as_deref() else { return Ok(()) };
        let meant = match text {
            "watcher" | "hookOnly" | "legacy" => return Ok(()),
            "true" => "watcher",
            "false" => "hookOnly",
            _ => {
                let reason =
                    format!("invalid wait input {text:?}. Valid inputs are watcher, hookOnly, and legacy");
                return Err(invalid(text, "--wait", &reason));
            }
        };
        let given = format!("--wait={text}");
        warnings
            .push(format!("{given} is deprecated (boolean value) and can be replaced with --wait={meant}"));
        Ok(())
    }

    /// Refuses labels that are Helm's own.
    pub(super) fn check_labels(&self) -> Result<(), Original> {
        let is_own = |pair: &str| OWN_LABELS.contains(&pair.split('=').next().unwrap_or_default());
        if !self.labels.iter().any(|text| pairs(text).into_iter().any(is_own)) {
            return Ok(());
        }
        Err(Original::new(format!(
            "user supplied labels contains system reserved label name. System labels: [{}]",
            OWN_LABELS.join(" ")
        )))
    }
}

/// A single pair may have commas in its value.
fn pairs(text: &str) -> Vec<&str> {
    if text.matches('=').count() == 1 { vec![text] } else { text.split(',').collect() }
}

fn invalid(text: &str, flag: &str, reason: &str) -> Original {
    Original::new(format!("invalid argument {text:?} for {flag:?} flag: {reason}"))
}
