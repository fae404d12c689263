//! The flags of the library that Kubernetes' Go programs log with. Helm takes them, hidden, and none of them changes
//! what it prints; values that the library cannot read are refused.

/// Flags about a log that there is not.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Logging {
    /// No effect: there is no such log.
    #[arg(short, long, global = true, hide = true, value_name = "LEVEL")]
    v: Option<i32>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "PATTERN=LEVEL,…", value_parser = module_levels)]
    vmodule: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FOLDER")]
    log_dir: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    log_file: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "MEGABYTES", value_parser = megabytes)]
    log_file_max_size: Option<u64>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "FILE:LINE", value_parser = place_in_a_file)]
    log_backtrace_at: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "SEVERITY", value_parser = severity)]
    stderrthreshold: Option<String>,
    /// No effect: there is no such log.
    #[arg(long, global = true, hide = true, value_name = "SEVERITY", value_parser = severity)]
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

/// `PATTERN=LEVEL,…`
fn module_levels(text: &str) -> Result<String, &'static str> {
    const SYNTAX: &str = "syntax error: expect comma-separated list of filename=N";
    for module in text.split(',').filter(|module| !module.is_empty()) {
        let level = match module.split('=').collect::<Vec<_>>()[..] {
            [pattern, level] if !pattern.is_empty() => level.parse::<i32>().map_err(|_| SYNTAX)?,
            _ => return Err(SYNTAX),
        };
        if level < 0 {
            return Err("negative value for vmodule level");
        }
    }
    Ok(text.to_owned())
}

/// `FILE:LINE`, or nothing.
fn place_in_a_file(text: &str) -> Result<String, &'static str> {
    const SYNTAX: &str = "syntax error: expect file.go:234";
    let line = match text.split(':').collect::<Vec<_>>()[..] {
        [""] => return Ok(String::new()),
        [file, line] if file.contains('.') => line.parse::<i64>().map_err(|_| SYNTAX)?,
        _ => return Err(SYNTAX),
    };
    if line <= 0 {
        return Err("negative or zero value for level");
    }
    Ok(text.to_owned())
}

/// A number as Go writes numbers.
fn megabytes(text: &str) -> Result<u64, &'static str> {
    belay_gotemplate::go_parse_uint(text).ok_or("parse error")
}

/// A severity's name or number.
fn severity(text: &str) -> Result<String, std::num::ParseIntError> {
    let name = text.to_uppercase();
    if !["INFO", "WARNING", "ERROR", "FATAL"].contains(&name.as_str()) {
        text.parse::<i32>()?;
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_log_could_not_read_are_refused() {
        let modules = ["", "a=1", "a=1,,b*=2,", "a=+3"];
        assert!(modules.into_iter().all(|text| module_levels(text).is_ok()));
        let modules = ["a", "=1", "a=", "a=b", "a=1=2", "a=-1", "a=99999999999"];
        assert!(modules.into_iter().all(|text| module_levels(text).is_err()));
        let places = ["", "a.go:1", "a.b:+7"];
        assert!(places.into_iter().all(|text| place_in_a_file(text).is_ok()));
        let places = ["a.go", "a:1", "a.go:", "a.go:0", "a.go:-1", "a.go:x", "a.go:1:2", ":"];
        assert!(places.into_iter().all(|text| place_in_a_file(text).is_err()));
        let sizes = ["0", "0x10", "0o7", "0b1", "017", "1_000", "0x_1F"].map(megabytes);
        assert_eq!(sizes, [0, 16, 7, 1, 15, 1000, 31].map(Ok));
        let sizes = ["", "-1", "+1", "_1", "1_", "1__0", "08", "0x", "x"];
        assert!(sizes.into_iter().all(|text| megabytes(text).is_err()));
        assert!(["info", "Error", "FATAL", "7", "-1"].into_iter().all(|text| severity(text).is_ok()));
        assert!(["", "debug", "1.5", "99999999999"].into_iter().all(|text| severity(text).is_err()));
    }
}
