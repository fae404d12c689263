//! Lives of objects.

use crate::Arguments;
use crate::report::Report;

pub(crate) async fn run(_arguments: &Arguments) -> anyhow::Result<Report> {
    Ok(Report::default())
}
