//! The flags of the library that Kubernetes' Go programs log with. Helm takes them, hidden, and none of them changes
//! what it prints.

/// Flags about a log that there is not.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Logging {
    /// No effect: there is no such log.
    #[arg(short, long, global = true, hide = true, value_name = "LEVEL")]
    v: Option<i32>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "PATTERN=LEVEL,…")]
    vmodule: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FOLDER")]
    log_dir: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    log_file: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "MEGABYTES")]
    log_file_max_size: Option<u64>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FILE:LINE")]
    log_backtrace_at: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "SEVERITY")]
    stderrthreshold: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "SEVERITY")]
    alsologtostderrthreshold: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    logtostderr: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    alsologtostderr: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    legacy_stderr_threshold_behavior: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    add_dir_header: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    skip_headers: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    one_output: bool,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true)]
    skip_log_headers: bool,
}
