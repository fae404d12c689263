//! Where an app can be reached from outside: `status.summary.externalURLs`.

use std::collections::BTreeSet;

use belay_manifest::Object;
use serde_json::Value;

/// Annotations that begin so name an address, or `title|address`.
const LINK: &str = "link.argocd.argoproj.io/";
/// The annotation by which an object does not tell its own addresses.
const NO_DEFAULTS: &str = "argocd.argoproj.io/ignore-default-links";

/// What the app's annotations name, and what its live objects do.
pub(super) fn external<'a>(app: &Object, live: impl Iterator<Item = &'a Object>) -> Vec<String> {
    let mut found: BTreeSet<String> = links(app).map(str::to_owned).collect();
    for object in live {
        found.extend(links(object).filter(|link| is_address(link)).map(str::to_owned));
        let keeps_to_itself =
            matches!(object.annotation(NO_DEFAULTS), Some("1" | "t" | "T" | "true" | "TRUE" | "True"));
        if !keeps_to_itself {
            found.extend(own(object));
        }
    }
    found.into_iter().collect()
}

fn links(object: &Object) -> impl Iterator<Item = &str> {
    let annotations = object.value().pointer("/metadata/annotations").and_then(Value::as_object);
    let links = annotations.into_iter().flatten().filter(|(name, _)| name.starts_with(LINK));
    links.filter_map(|(_, link)| link.as_str())
}

fn is_address(link: &str) -> bool {
    let address = link.split_once('|').map_or(link, |(_, address)| address);
    address.is_empty() || address.starts_with("http://") || address.starts_with("https://")
}

fn own(object: &Object) -> Vec<String> {
    match (object.gvk().group.as_str(), object.kind()) {
        ("extensions" | "networking.k8s.io", "Ingress") => of_ingress(object.value()),
        ("gateway.networking.k8s.io", "Gateway") => of_gateway(object.value()),
        _ => Vec::new(),
    }
}

fn of_ingress(ingress: &Value) -> Vec<String> {
    let given = items(ingress, "/status/loadBalancer/ingress").iter().find_map(|entry| {
        ["hostname", "ip"].iter().find_map(|field| entry[*field].as_str().filter(|text| !text.is_empty()))
    });
    let mut addresses = Vec::new();
    for rule in items(ingress, "/spec/rules") {
        let Some(host) = text(rule, "host").or(given) else { continue };
        let is_secret = items(ingress, "/spec/tls")
            .iter()
            .any(|line| !line["secretName"].is_null() || line["host"] == host);
        let scheme = if is_secret { "https" } else { "http" };
        for path in items(rule, "/http/paths") {
            let below = path["path"].as_str().unwrap_or_default();
            addresses.push(format!("{scheme}://{host}{}", below.strip_suffix('*').unwrap_or(below)));
        }
    }
    addresses
}

fn of_gateway(gateway: &Value) -> Vec<String> {
    let given: Vec<&str> = items(gateway, "/status/addresses")
        .iter()
        .filter(|address| matches!(address["type"].as_str(), None | Some("" | "Hostname" | "IPAddress")))
        .filter_map(|address| text(address, "value"))
        .collect();
    let mut addresses = Vec::new();
    for listener in items(gateway, "/spec/listeners") {
        let is_secret = matches!(listener["protocol"].as_str(), Some("HTTPS" | "TLS"));
        let (scheme, usual) = if is_secret { ("https", 443) } else { ("http", 80) };
        let port = listener["port"].as_i64().unwrap_or_default();
        let port = if port == usual { String::new() } else { format!(":{port}") };
        let hosts = match text(listener, "hostname").filter(|host| *host != "*") {
            Some(host) => vec![host],
            None => given.clone(),
        };
        addresses.extend(hosts.into_iter().map(|host| format!("{scheme}://{host}{port}")));
    }
    addresses
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value[field].as_str().filter(|text| !text.is_empty())
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        Object::new(value).expect("an object")
    }

    fn of(live: Value) -> Vec<String> {
        let app =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}});
        external(&object(app), [object(live)].iter())
    }

    #[test]
    fn an_ingress_tells_hosts_and_paths() {
        let ingress = |annotations: Value, tls: Value| {
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "annotations": annotations},
                "spec": {"tls": tls, "rules": [
                    {"host": "shop.example.com", "http": {"paths": [{"path": "/"}, {"path": "/cart/*"}]}},
                    {"http": {"paths": [{}]}},
                ]},
                "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
            })
        };
        let open = ["http://192.0.2.1", "http://shop.example.com/", "http://shop.example.com/cart/"];
        assert_eq!(of(ingress(json!({}), json!([]))), open);
        let secret = of(ingress(json!({}), json!([{"secretName": "s"}])));
        assert_eq!(secret, open.map(|address| address.replace("http:", "https:")));
        assert!(of(ingress(json!({NO_DEFAULTS: "true"}), json!([]))).is_empty());
        let linked = json!({NO_DEFAULTS: "true", "link.argocd.argoproj.io/x": "Docs|https://docs.example.com", "link.argocd.argoproj.io/y": "javascript:alert(1)"});
        assert_eq!(of(ingress(linked, json!([]))), ["Docs|https://docs.example.com"]);
    }

    #[test]
    fn a_gateway_tells_its_listeners() {
        let gateway = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"},
            "spec": {"listeners": [
                {"hostname": "a.example.com", "protocol": "HTTPS", "port": 443},
                {"protocol": "HTTP", "port": 8080},
            ]},
            "status": {"addresses": [{"type": "IPAddress", "value": "192.0.2.7"}]},
        });
        assert_eq!(of(gateway), ["http://192.0.2.7:8080", "https://a.example.com"]);
    }
}
