//! How to execute: missing keys, budgets, and what the outside gives (clock, randomness).

use std::sync::Arc;

/// How to execute a template.
#[derive(Clone, Default)]
pub struct Options {
    /// What a missing map key gives.
    pub missing_key: MissingKey,
    /// The limits.
    pub budget: Budget,
    /// The time; functions that need it fail by name without one.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes; functions that need them fail by name without a source.
    pub random: Option<Arc<dyn RandomSource>>,
}

/// What a missing key of a map gives (`missingkey=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// `default` or `invalid`: no value, printed as `<no value>`.
    #[default]
    Default,
    /// `zero`: the zero of the map's element type.
    Zero,
    /// `error`
    Error,
}

/// Limits of one execution, nested executions included.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Nodes evaluated and items made by functions.
    pub steps: u64,
    /// Bytes written, and bytes of the strings that functions make out of little. All texts that functions give on
    /// the way may come to sixteen times as much.
    pub output_bytes: u64,
    /// Templates within templates, `include` and `tpl` among them. Go's own limit is 100 000 in each execution of
    /// those, which holds too; the default is 5 000, for templates of people nest far less.
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 200_000_000, output_bytes: 1 << 30, depth: 5_000 }
    }
}

/// A moment, and where its local time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
    /// Seconds east of UTC of local time.
    pub offset: i32,
}

/// What a zone says about a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalZone {
    /// Seconds east of UTC.
    pub offset: i32,
    /// What clocks there call it, such as `CEST`; empty where it has no name.
    pub abbreviation: String,
    /// Whether it is daylight saving time.
    pub is_dst: bool,
}

/// Gives the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;

    /// What the local zone says about a moment, in seconds since 1970: the offset of now, if nothing more is known.
    fn local_at(&self, seconds: i64) -> LocalZone {
        let _ = seconds;
        let offset = self.now().offset;
        let abbreviation = if offset == 0 { "UTC".to_owned() } else { String::new() };
        LocalZone { offset, abbreviation, is_dst: false }
    }

    /// What Go calls the local zone.
    fn local_name(&self) -> String {
        "Local".to_owned()
    }
}

/// Gives random bytes.
pub trait RandomSource: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}
