//! One plain request to the API server.

use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::compare::{first_fault, missing_part, present, present_part};
use crate::run::{POLL, Run};
use crate::scenario::Request;

/// How much of an answer a report shows.
const SHOWN: usize = 2000;

/// What came back.
struct Answer {
    code: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Run<'_> {
    pub(crate) async fn request(&self, request: &Request) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs_f64(request.within);
        let what = format!("{} {}", request.method, self.variables.text(&request.path));
        loop {
            let answer = timeout_at(deadline, self.answer(request))
                .await
                .with_context(|| format!("{what}: no answer after {} s", request.within))?
                .with_context(|| what.clone())?;
            match self.fault_of(request, &answer) {
                None => {
                    let seen = serde_json::from_str(&answer.text).unwrap_or_default();
                    return self.variables.save(&seen, &request.save).context(what);
                }
                Some(_) if request.retry && Instant::now() < deadline => sleep(POLL).await,
                Some(fault) => {
                    let shown: String = answer.text.chars().take(SHOWN).collect();
                    bail!("{what}: {fault}\n  answer: {} {shown}", answer.code);
                }
            }
        }
    }

    async fn answer(&self, request: &Request) -> anyhow::Result<Answer> {
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(self.variables.text(&request.path).replace(' ', "%20"));
        for (name, value) in &request.headers {
            builder = builder.header(name, self.variables.text(value));
        }
        let body = match &request.body {
            Value::Null => Vec::new(),
            Value::String(text) => self.variables.text(text).into_bytes(),
            body => serde_json::to_vec(&self.variables.value(body))?,
        };
        let typed = request.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
        if !body.is_empty() && !typed {
            builder = builder.header(http::header::CONTENT_TYPE, "application/json");
        }
        let answer = self.runner.client.send(builder.body(Body::from(body))?).await?;
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { code: parts.status.as_u16(), headers: parts.headers, text })
    }

    fn fault_of(&self, request: &Request, answer: &Answer) -> Option<String> {
        if answer.code != request.code {
            return Some(format!("expected code {}, seen {}", request.code, answer.code));
        }
        for (name, wanted) in &request.answers {
            let seen = answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let wanted = Value::from(self.variables.text(wanted));
            if let Some(fault) = first_fault(&seen.into(), &wanted, name) {
                return Some(fault);
            }
        }
        if let Some(part) = missing_part(&answer.text, &self.variables.texts(&request.contains)) {
            return Some(format!("expected {part:?}"));
        }
        if let Some(part) = present_part(&answer.text, &self.variables.texts(&request.hides)) {
            return Some(format!("did not expect {part:?}"));
        }
        let seen = serde_json::from_str(&answer.text).unwrap_or_default();
        first_fault(&seen, &self.variables.value(&request.holds), "")
            .or_else(|| present(&seen, &request.lacks))
            .or_else(|| self.missing_line(request, &answer.text))
    }

    fn missing_line(&self, request: &Request, text: &str) -> Option<String> {
        let mut seen = text.lines().map(|line| serde_json::from_str(line).unwrap_or_default());
        request.lines.iter().find_map(|wanted| {
            let wanted = self.variables.value(wanted);
            let found = seen.any(|line: Value| first_fault(&line, &wanted, "").is_none());
            (!found).then(|| format!("expected a line {wanted}"))
        })
    }
}
