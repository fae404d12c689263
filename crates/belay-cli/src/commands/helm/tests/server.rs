//! `--dry-run=server` against the embedded API server. What is expected is what Helm said of the same charts there.

use belay_localkube::{LocalKube, Options, Running, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A cluster, and a folder with a chart.
struct Place {
    runtime: Runtime,
    running: Running,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("chart/templates")).unwrap();
        fs::write(folder.path().join("chart/Chart.yaml"), "apiVersion: v2\nname: a\nversion: 1.0.0\n")
            .unwrap();
        let runtime = crate::commands::runtime().unwrap();
        let options = Options {
            dir: folder.path().to_owned(),
            port: None,
            http_port: None,
            settings: Settings::default(),
        };
        let running = runtime.block_on(LocalKube::start(options)).unwrap();
        Place { runtime, running, folder }
    }

    /// Sends the object as kubectl would.
    fn send(&self, method: &str, path: &str, object: &Value) {
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.running.kubeconfig).unwrap();
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = ::http::Request::builder().method(method).uri(path).header("content-type", kind);
        self.runtime.block_on(async {
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
            let client = kube::Client::try_from(config).unwrap();
            client.request::<Value>(request.body(object.to_string().into_bytes()).unwrap()).await.unwrap();
        });
    }

    /// What is printed of a chart with this one template.
    fn template(&self, text: &str, flags: &[&str]) -> Result<String, String> {
        fs::write(self.folder.path().join("chart/templates/a.yaml"), text).unwrap();
        let chart = self.folder.path().join("chart").to_string_lossy().into_owned();
        let kubeconfig = self.running.kubeconfig.to_string_lossy().into_owned();
        let line = ["template", "r", &chart, "--dry-run=server", "--kubeconfig", &kubeconfig];
        let printed = printed(&[&line, flags].concat());
        printed.map(|text| text.trim_start_matches("---\n# Source: a/templates/a.yaml\n").to_owned())
    }

    fn end(self) {
        self.runtime.block_on(self.running.shutdown()).unwrap();
    }
}

/// The error that Helm begins with what it was doing.
fn refused(doing: &str, what: &str) -> Result<String, String> {
    Err(format!("Error: unable to {doing}: {what}\n"))
}

#[test]
fn a_cluster_tells_what_it_can_do_and_what_is_in_it() {
    let place = Place::new();
    let text = "version: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion }}\n\
                apis: {{ .Capabilities.APIVersions.Has \"apps/v1/Deployment\" }} {{ .Capabilities.APIVersions.Has \"x/v1\" }}\n\
                found: {{ (lookup \"v1\" \"Namespace\" \"\" \"default\").metadata.name }}\n\
                none: {{ lookup \"v1\" \"ConfigMap\" \"default\" \"none\" | toJson }}\n\
                list: {{ (lookup \"v1\" \"Namespace\" \"\" \"\").kind }} {{ len (lookup \"v1\" \"Secret\" \"none\" \"\").items }}\n\
                no kind: {{ lookup \"v1\" \"Foo\" \"\" \"x\" | toJson }}\n";
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: one}}\ndata:\n{text}");
    let printed = place.template(&text, &["--kube-version", "1.20", "--api-versions", "x/v1"]).unwrap();
    let expected = "version: v1.34.4 v1.34.4\napis: true false\nfound: default\nnone: {}\nlist: NamespaceList 0\n\
                    no kind: {}\n";
    assert!(printed.ends_with(expected), "{printed}");
    let at = "template: a/templates/a.yaml:1:6: executing \"a/templates/a.yaml\" at <lookup \"x/v1\" \"Foo\" \"\" \"\">";
    assert_eq!(
        place.template("a: {{ lookup \"x/v1\" \"Foo\" \"\" \"\" | toJson }}\n", &[]),
        Err(format!(
            "Error: {at}: error calling lookup: unable to get apiresource from unstructured: x/v1, Kind=Foo: the \
             server could not find the requested resource\n\nUse --debug flag to render out invalid YAML\n"
        ))
    );
    place.end();
}

#[test]
fn kinds_that_are_not_served_are_refused() {
    let place = Place::new();
    let build = |text: &str, what: &str| {
        let expected = refused("build kubernetes objects from release manifest", what);
        assert_eq!(place.template(text, &[]), expected, "{text}");
    };
    let unmapped = |name: &str, namespace: &str, version: &str| {
        format!(
            "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"\": no matches for kind \
             \"Foo\" in version \"{version}\"\nensure CRDs are installed first"
        )
    };
    build("apiVersion: v1\nkind: Foo\nmetadata: {name: foo}\n", &unmapped("foo", "", "v1"));
    let foo = "apiVersion: x/v1\nkind: Foo\nmetadata: {name: foo}\n";
    build(foo, &unmapped("foo", "", "x/v1"));
    let unread = "unable to decode \"\": json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.namespace \
                  of type string";
    let other = "apiVersion: x/v1\nkind: Foo\nmetadata: {name: goo, namespace: n}\n";
    build(&format!("{foo}---\n{other}"), &format!("[{}, {unread}]", unmapped("foo", "", "x/v1")));
    build(
        "kind: ConfigMap\nmetadata: {name: x}\n",
        "error validating \"\": error validating data: apiVersion not set",
    );
    build(
        "apiVersion: v1\nmetadata: {name: x}\n",
        "error validating \"\": error validating data: kind not set",
    );
    build("a: 1\n", "error validating \"\": error validating data: [apiVersion not set, kind not set]");
    build(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n\
         - {apiVersion: x/v1, kind: Foo, metadata: {name: x}}\n",
        "unable to recognize no matches for kind \"Foo\" in version \"x/v1\"",
    );
    // The server checks fields when objects are written: Helm leaves them alone.
    let deployment =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: a, foo: 1}\n";
    assert_eq!(place.template(deployment, &[]), Ok(deployment.to_owned()));
    place.end();
}

#[test]
fn what_belongs_to_others_is_not_taken_over() {
    let place = Place::new();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    let run = |flags: &[&str]| place.template(map, flags);
    assert_eq!(run(&[]), Ok(map.to_owned()));
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" } });
    place.send("POST", MAPS, &object);
    let label =
        "label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; ";
    let annotation = "annotation validation error: ";
    let missing = "missing key \"meta.helm.sh/release-name";
    let owner = format!(
        "{annotation}{missing}\": must be set to \"r\"; {annotation}{missing}space\": must be set to \"default\""
    );
    let taken = |what: &str| {
        let refusal = "exists and cannot be imported into the current release: invalid ownership metadata; ";
        refused("continue with install", &format!("ConfigMap \"x\" in namespace \"default\" {refusal}{what}"))
    };
    assert_eq!(run(&[]), taken(&format!("{label}{owner}")));
    for flag in ["--is-upgrade", "--take-ownership", "--namespace=none"] {
        assert_eq!(run(&[flag]), Ok(map.to_owned()), "{flag}");
    }
    let patch = |name: &str, value: Value| {
        place.send("PATCH", &format!("{MAPS}/x"), &json!({ "metadata": { name: value } }));
    };
    patch("labels", json!({ "app.kubernetes.io/managed-by": "Helm" }));
    assert_eq!(run(&[]), taken(&owner));
    patch(
        "annotations",
        json!({ "meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "other" }),
    );
    let other = "key \"meta.helm.sh/release-namespace\" must equal \"default\": current value is \"other\"";
    assert_eq!(run(&[]), taken(&format!("{annotation}{other}")));
    patch("annotations", json!({ "meta.helm.sh/release-namespace": "default" }));
    assert_eq!(run(&[]), Ok(map.to_owned()));
    assert_eq!(
        place.template("apiVersion: v1\nkind: ConfigMap\n", &[]),
        refused(
            "continue with install",
            "could not get information about the resource ConfigMap \"\" in namespace \"default\": resource name may \
             not be empty"
        )
    );
    place.end();
}
