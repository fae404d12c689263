//! `belay install`: what it prints is taken by the API server, and asks for no more than it needs.

use serde_json::{Value, json};

use crate::world::World;

fn documents(text: &str) -> Vec<Value> {
    let one = |document: &str| belay_goyaml::to_json(document).expect("YAML");
    text.split("\n---\n").map(one).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_taken_by_the_api_server_in_the_printed_order() {
    let world = World::empty().await;
    let printed = world.belay(&["install"]).await;
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    let objects = documents(&printed.out);
    assert_eq!(objects[0]["kind"], "Namespace");
    // `kubectl apply` keeps the whole object in an annotation, and all of them together may have 256 KiB.
    assert!(objects.iter().all(|object| object.to_string().len() < 256 * 1024));
    assert!(printed.out.starts_with("# applicationsets.argoproj.io is larger"), "what is missing is named");
    for object in &objects {
        world.apply(object.clone()).await;
    }
    let deployment = world.get("apps/v1", "Deployment", "belay-system", "belay").await.expect("it is there");
    assert_eq!(deployment["spec"]["template"]["spec"]["serviceAccountName"], "belay");
    let service = world.get("v1", "Service", "belay-system", "belay").await.expect("it is there");
    assert_eq!(service["spec"]["ports"][0]["port"], 80);
    let policy = world.get("networking.k8s.io/v1", "NetworkPolicy", "belay-system", "belay").await;
    let readers =
        policy.expect("it is there")["spec"]["ingress"][1]["from"][0]["namespaceSelector"].to_string();
    assert!(readers.contains("belay-system") && readers.contains("flux-system"), "{readers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_choose_namespace_image_and_families() {
    let world = World::empty().await;
    let words =
        ["install", "--namespace", "gitops", "--image", "example.org/b@sha256:1", "--controllers", "flux"];
    let objects = documents(&world.belay(&words).await.out);
    let groups: Vec<&str> = of_kind(&objects, "CustomResourceDefinition")
        .iter()
        .filter_map(|crd| crd["spec"]["group"].as_str())
        .collect();
    assert!(!groups.is_empty() && groups.iter().all(|group| group.ends_with(".fluxcd.io")), "{groups:?}");
    let deployment = of_kind(&objects, "Deployment")[0];
    assert_eq!(deployment["metadata"]["namespace"], "gitops");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "example.org/b@sha256:1");
    assert!(container["args"].as_array().is_some_and(|args| args.contains(&json!("--controllers=flux"))));
    let binding = of_kind(&objects, "ClusterRoleBinding")[0];
    assert_eq!(binding["subjects"][0]["namespace"], "gitops");

    assert_eq!(
        of_kind(&documents(&world.belay(&["install", "--no-crds"]).await.out), "CustomResourceDefinition")
            .len(),
        0
    );
    for wrong in [&["install", "--namespace", "Not_A_Name"][..], &["install", "--controllers", "helm"]] {
        assert_eq!(world.belay(wrong).await.code, 2, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_keeps_to_the_restricted_standard_and_cluster_admin_is_asked_for() {
    let world = World::empty().await;
    let objects = documents(&world.belay(&["install", "--no-crds"]).await.out);
    let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");

    let rights = |objects: &[Value]| of_kind(objects, "ClusterRoleBinding").len();
    assert_eq!(rights(&objects), 1);
    let verbs = &of_kind(&objects, "ClusterRole")[0]["rules"][0]["verbs"];
    for verb in ["*", "impersonate", "escalate", "bind", "approve"] {
        assert!(verbs.as_array().is_some_and(|verbs| !verbs.contains(&json!(verb))), "{verbs}");
    }
    assert_eq!(rights(&documents(&world.belay(&["install", "--no-crds", "--cluster-admin"]).await.out)), 2);
}

/// What the Deployment starts is a command that this binary knows, and it brings the definition that was left out.
#[tokio::test(flavor = "multi_thread")]
async fn the_pods_arguments_are_known() {
    let world = World::empty().await;
    let objects = documents(&world.belay(&["install"]).await.out);
    let (definition, version) = ("CustomResourceDefinition", "apiextensions.k8s.io/v1");
    let foreign = of_kind(&objects, definition)[0];
    world.apply(foreign.clone()).await;
    let container = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<String> = container["args"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|arg| match arg.split_once('=') {
            // The ports may be taken here, and the folder is the pod's.
            Some((flag @ ("--listen" | "--public-listen" | "--artifact-addr"), _)) => {
                format!("{flag}=127.0.0.1:0")
            }
            Some((flag @ "--data-dir", _)) => format!("{flag}={}", world.folder.path().display()),
            _ => arg.to_owned(),
        })
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut going = world.start(&words);
    assert!(going.line().await.starts_with("http://127.0.0.1:"));
    assert!(!going.has_ended());
    assert!(world.get(version, definition, "", "applicationsets.argoproj.io").await.is_some());
    let name = foreign["metadata"]["name"].as_str().unwrap_or_default();
    let left_alone = world.get(version, definition, "", name).await.expect("it is there");
    assert!(!left_alone["metadata"]["managedFields"].to_string().contains("\"belay\""), "{left_alone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_work_by_leases() {
    let world = World::empty().await;
    let deployment = async |words: &[&str]| {
        let words = [&["install", "--no-crds"], words].concat();
        of_kind(&documents(&world.belay(&words).await.out), "Deployment")[0]["spec"].clone()
    };
    let elects = |spec: &Value| {
        let words = spec["template"]["spec"]["containers"][0]["args"].as_array().cloned().unwrap_or_default();
        words.contains(&json!("--leader-elect"))
    };
    let one = deployment(&[]).await;
    assert_eq!((&one["replicas"], &one["strategy"]["type"]), (&json!(1), &json!("Recreate")));
    let three = deployment(&["--replicas", "3"]).await;
    assert_eq!((&three["replicas"], &three["strategy"]["type"]), (&json!(3), &json!("RollingUpdate")));
    assert_eq!((elects(&one), elects(&three)), (false, true));
    assert_eq!(world.belay(&["install", "--replicas", "0"]).await.code, 2);
}
