//! The tour: what Belay does, step by step, each asserted and timed.

mod steps;

use anyhow::Context;
use tokio::time::Instant;

use super::{Demo, table};
use crate::commands::print;

/// A step on its way: what it will tell, in one or two lines.
type Step<'a> = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<Vec<String>>> + 'a>>;

/// Walks all steps; the first that does not hold is the error.
pub(crate) async fn walk(demo: &Demo) -> anyhow::Result<()> {
    let start = Instant::now();
    print(&format!("\n{}\n\n", demo.paint.strong("Belay: Git in, cluster out")))?;
    let steps: [(&str, Step<'_>); 8] = [
        ("Applications, a Kustomization and a HelmRelease sync", Box::pin(steps::first_sync(demo))),
        ("A commit changes an image: only that app is rendered", Box::pin(steps::image_change(demo))),
        ("A person edits the cluster: named, then healed", Box::pin(steps::drift(demo))),
        ("With selfHeal: false it is shown and left alone", Box::pin(steps::drift_left_alone(demo))),
        ("A file deleted in Git is pruned; a neighbour stays", Box::pin(steps::prune(demo))),
        ("Broken commits: told with file and line, nothing lost", Box::pin(steps::broken_commits(demo))),
        ("git revert brings the earlier state back", Box::pin(steps::revert(demo))),
        ("App-of-apps, and a Kustomization of Kustomizations", Box::pin(steps::apps_of_apps(demo))),
    ];
    for (position, (title, step)) in steps.into_iter().enumerate() {
        let began = Instant::now();
        let told = step.await.with_context(|| format!("step {}: {title}", position + 1))?;
        let time = demo.paint.faint(&format!("{} ms", began.elapsed().as_millis()));
        let told: String = told.iter().map(|line| format!("     {line}\n")).collect();
        print(&format!("{} {}. {title} {time}\n{told}", demo.paint.good("✓"), position + 1))?;
    }
    let seconds = format!("all of it in {:.1} s", start.elapsed().as_secs_f32());
    print(&format!("{} 9. Where everything stands: {seconds}\n\n", demo.paint.good("✓")))?;
    demo.settled().await;
    let table = table::lines(&demo.apps(), demo.paint);
    print(&table.iter().map(|line| format!("  {line}\n")).collect::<String>())
}
