//! What a terminal shows after the tour: the apps, redrawn in place, and the latest events below.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use terminal_size::{Height, Width, terminal_size};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Demo, table};
use crate::commands::print;

/// How many events are kept.
const EVENTS: usize = 8;
/// How often it is redrawn at most.
const REDRAW: Duration = Duration::from_millis(150);
/// How soon events are watched again when the watch broke.
const AGAIN: Duration = Duration::from_secs(1);

/// Shows until the future is dropped.
pub(super) async fn show(demo: &Demo) -> anyhow::Result<()> {
    let mut changes = demo.changes();
    let events = watcher(Api::<Event>::all(demo.engine.client.clone()), watcher::Config::default());
    let mut events = pin!(events.applied_objects());
    let begun = Timestamp::now();
    let mut latest: VecDeque<String> = VecDeque::new();
    let mut drawn = 0;
    loop {
        drawn = draw(demo, &latest, drawn)?;
        let quiet = Instant::now() + REDRAW;
        tokio::select! {
            changed = changes.recv() => {
                // A slow reader missed some: the next picture shows them all the same.
                if matches!(changed, Err(tokio::sync::broadcast::error::RecvError::Closed)) {
                    return Ok(());
                }
            }
            event = events.try_next() => match event {
                Ok(Some(event)) if time(&event).is_none_or(|time| time < begun) => continue,
                Ok(Some(event)) => remember(&mut latest, &event),
                Ok(None) => return Ok(()),
                Err(_broken) => sleep(AGAIN).await,
            },
        }
        sleep_until(quiet).await;
        while changes.try_recv().is_ok() {}
        while let Some(Some(Ok(event))) = futures::FutureExt::now_or_never(events.next()) {
            remember(&mut latest, &event);
        }
    }
}

fn remember(latest: &mut VecDeque<String>, event: &Event) {
    if latest.len() == EVENTS {
        latest.pop_front();
    }
    latest.push_back(line(event));
}

fn time(event: &Event) -> Option<Timestamp> {
    event.last_timestamp.as_ref().or(event.metadata.creation_timestamp.as_ref()).map(|time| time.0)
}

fn line(event: &Event) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let time = time(event).map(|time| time.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    let about = &event.involved_object;
    let message = text(&event.message).replace('\n', " ");
    format!("{time}  {}/{}  {}  {message}", text(&about.kind), text(&about.name), text(&event.reason))
}

/// Draws over what was drawn before; gives how many lines there are now.
fn draw(demo: &Demo, events: &VecDeque<String>, drawn: usize) -> anyhow::Result<usize> {
    let (Width(width), Height(height)) = terminal_size().unwrap_or((Width(80), Height(24)));
    let mut lines = table::lines(&demo.apps(), demo.paint);
    lines.truncate(usize::from(height).saturating_sub(2));
    lines.push(String::new());
    let room = usize::from(height).saturating_sub(lines.len() + 1);
    let newest = events.iter().skip(events.len().saturating_sub(room));
    lines.extend(newest.map(|event| {
        let cut: String = event.chars().take(usize::from(width).saturating_sub(2)).collect();
        demo.paint.faint(&cut)
    }));
    let up = if drawn == 0 { String::new() } else { format!("\u{1b}[{drawn}A") };
    let text: String = lines.iter().map(|line| format!("\u{1b}[2K  {line}\n")).collect();
    print(&format!("{up}{text}\u{1b}[J"))?;
    Ok(lines.len())
}
