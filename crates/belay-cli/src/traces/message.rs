//! `ExportTraceServiceRequest` of OTLP, in JSON: ids in hexadecimal, times as texts of nanoseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Span;

/// `SPAN_KIND_INTERNAL`
const INTERNAL: u8 = 1;

/// The request that tells of these spans.
pub(super) fn of(spans: &[Span]) -> Value {
    let resource =
        [attribute("service.name", "belay"), attribute("service.version", env!("CARGO_PKG_VERSION"))];
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": {"name": "belay"}, "spans": spans}],
    }]})
}

fn span(span: &Span) -> Value {
    let attributes: Vec<Value> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": span.parent.map(|parent| format!("{parent:016x}")).unwrap_or_default(),
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": nanoseconds(span.began),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes,
    })
}

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn a_span_is_written_as_the_protocol_says() {
        let began = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001);
        let one = Span {
            trace: 0xab,
            id: 1,
            parent: Some(2),
            name: "render".to_owned(),
            attributes: BTreeMap::from([("app", "Application/argocd/web".to_owned())]),
            began,
            ended: began + Duration::from_nanos(5),
        };
        let message = of(&[one]);
        assert_eq!(
            message["resourceSpans"][0]["scopeSpans"][0]["spans"][0],
            json!({
                "traceId": "000000000000000000000000000000ab", "spanId": "0000000000000001",
                "parentSpanId": "0000000000000002", "name": "render", "kind": 1,
                "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000006",
                "attributes": [{"key": "app", "value": {"stringValue": "Application/argocd/web"}}],
            })
        );
    }
}
