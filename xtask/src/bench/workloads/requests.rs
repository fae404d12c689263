//! What an API server was asked, by verb, as its own metrics count it.

use std::collections::BTreeMap;

use anyhow::Result;
use kube::Client;

/// Requests by verb; dry runs and status writes are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Requests(pub(super) BTreeMap<String, u64>);

impl Requests {
    /// All since the server started.
    pub(super) async fn so_far(client: &Client) -> Result<Requests> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        Ok(Requests::read(&client.request_text(request).await?))
    }

    fn read(metrics: &str) -> Requests {
        let mut requests = Requests::default();
        for line in metrics.lines() {
            let Some(rest) = line.strip_prefix("apiserver_request_total{") else { continue };
            let Some((labels, count)) = rest.rsplit_once("} ") else { continue };
            let label = |name: &str| {
                let start = labels.find(&format!("{name}=\""))? + name.len() + 2;
                labels.get(start..)?.split('"').next()
            };
            // Leases, and the addresses of Services, are of the server itself.
            if matches!(label("resource"), Some("leases" | "ipaddresses" | "" | "subjectaccessreviews")) {
                continue;
            }
            let mut name = label("verb").unwrap_or_default().to_owned();
            if label("dry_run").is_some_and(|word| !word.is_empty()) {
                name.push_str(" dry-run");
            }
            if label("resource") == Some("events") {
                name.push_str(" events");
            } else if label("subresource") == Some("status") {
                name.push_str(" status");
            }
            // Large counts are written as 1.2e+06.
            *requests.0.entry(name).or_default() += count.parse::<f64>().unwrap_or_default() as u64;
        }
        requests
    }

    /// What came since an earlier look.
    pub(super) fn since(&self, earlier: &Requests) -> Requests {
        let counts = self.0.iter().map(|(name, count)| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            (name.clone(), count.saturating_sub(before))
        });
        Requests(counts.filter(|(_, count)| *count > 0).collect())
    }

    /// Leaves out some that were our own.
    pub(super) fn take(&mut self, verb: &str, count: u64) {
        if let Some(known) = self.0.get_mut(verb) {
            *known = known.saturating_sub(count);
        }
        self.0.retain(|_, count| *count > 0);
    }

    /// All together; watches are not counted, for they last.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().filter(|(name, _)| name.as_str() != "WATCH").map(|(_, count)| count).sum()
    }
}

impl std::fmt::Display for Requests {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(name, count)| format!("{count} {name}")).collect();
        formatter.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_verb_dry_run_and_status() {
        let read = |applied: u64| {
            Requests::read(&format!(
                "apiserver_request_total{{code=\"200\",dry_run=\"\",resource=\"configmaps\",subresource=\"\",verb=\"APPLY\"}} {applied}\n\
                 apiserver_request_total{{code=\"200\",dry_run=\"All\",resource=\"configmaps\",subresource=\"\",verb=\"APPLY\"}} 2\n\
                 apiserver_request_total{{code=\"200\",dry_run=\"\",resource=\"kustomizations\",subresource=\"status\",verb=\"PATCH\"}} 1e+03\n"
            ))
        };
        assert_eq!(read(7).to_string(), "7 APPLY, 2 APPLY dry-run, 1000 PATCH status");
        assert_eq!(read(9).since(&read(7)).to_string(), "2 APPLY");
        assert_eq!(read(7).total(), 1009);
    }
}
