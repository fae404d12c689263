//! The apps as a table of 80 columns.

use belay_server::{AppSummary, Family, Health, Sync};

use super::paint::Paint;

/// A heading and one line for each app, sorted by family and name.
pub(super) fn lines(apps: &[std::sync::Arc<AppSummary>], paint: Paint) -> Vec<String> {
    let mut apps: Vec<&AppSummary> = apps.iter().map(AsRef::as_ref).collect();
    apps.sort_by(|a, b| (a.family, &a.app).cmp(&(b.family, &b.app)));
    let heading = cells(["APP", "FAMILY", "REVISION", "SYNC", "HEALTH", "TIME"]);
    let mut lines = vec![paint.faint(&heading.concat())];
    lines.extend(apps.into_iter().map(|app| line(app, paint)));
    lines
}

fn line(app: &AppSummary, paint: Paint) -> String {
    let family = match app.family {
        Family::Argo => "argo",
        Family::Flux => "flux",
    };
    let id = format!("{}/{}", app.app.kind.short(), app.app.name);
    let revision = app.revision.as_ref().map_or("", |revision| short(&revision.id));
    let time = app.changed.get(11..19).unwrap_or("");
    let [id, family, revision, sync, health, time] =
        cells([&id, family, revision, app.sync.as_str(), app.health.as_str(), time]);
    let sync = match app.sync {
        Sync::Synced => paint.good(&sync),
        Sync::OutOfSync => paint.waiting(&sync),
        Sync::Unknown => paint.bad(&sync),
    };
    let health = match app.health {
        Health::Healthy => paint.good(&health),
        Health::Suspended | Health::Progressing => paint.waiting(&health),
        Health::Missing | Health::Degraded | Health::Unknown => paint.bad(&health),
    };
    format!("{id}{family}{revision}{sync}{health}{}", paint.faint(&time))
}

/// Texts cut and padded to the columns' widths; together 80 at most.
fn cells(texts: [&str; 6]) -> [String; 6] {
    const WIDTHS: [usize; 6] = [26, 8, 10, 11, 13, 8];
    let mut widths = WIDTHS.into_iter();
    texts.map(|text| {
        let width = widths.next().unwrap_or_default();
        let cut: String = text.chars().take(width.saturating_sub(1).max(8)).collect();
        format!("{cut:width$}")
    })
}

/// The first letters of a commit, or a chart's version.
fn short(revision: &str) -> &str {
    let id = revision.rsplit(':').next().unwrap_or(revision);
    let commit = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if commit { &id[..7] } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_shown_short() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(short(commit), "0123456");
        assert_eq!(short(&format!("main@sha1:{commit}")), "0123456");
        assert_eq!(short("1.2.0"), "1.2.0");
    }

    #[test]
    fn a_line_has_at_most_eighty_columns() {
        let long = "x".repeat(100);
        let line = cells([&long, &long, &long, &long, &long, &long]).concat();
        assert!(line.chars().count() <= 80, "{} columns", line.chars().count());
    }
}
