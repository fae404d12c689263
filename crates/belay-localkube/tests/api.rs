//! One behaviour of the API a test, through the service in process.

mod support;

use serde_json::{Value, json};
use support::{Api, MAPS, config_map};

#[tokio::test]
async fn version_and_discovery_are_those_of_1_34() {
    let api = Api::new();
    assert_eq!(api.get("/version").await.1["gitVersion"], "v1.34.4");
    assert_eq!(api.get("/readyz").await.0, 200);
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let (_, groups) = api.call("GET", "/apis", &[("accept", accept)], &Value::Null).await;
    assert_eq!(groups["kind"], "APIGroupDiscoveryList");
    let apps =
        groups["items"].as_array().unwrap().iter().find(|group| group["metadata"]["name"] == "apps").unwrap();
    let resources = apps["versions"][0]["resources"].as_array().unwrap();
    let deployments = resources.iter().find(|resource| resource["resource"] == "deployments").unwrap();
    assert_eq!(
        deployments["responseKind"],
        json!({ "group": "apps", "version": "v1", "kind": "Deployment" })
    );
    assert!(deployments["subresources"].as_array().unwrap().iter().any(|sub| sub["subresource"] == "scale"));
    let (_, listed) = api.get("/api/v1").await;
    assert!(listed["resources"].as_array().unwrap().iter().any(|resource| resource["name"] == "pods/log"));
    let (_, paths) = api.get("/openapi/v3").await;
    assert!(paths["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap().contains("?hash="));
    let (_, document) = api.get("/openapi/v3/apis/apps/v1").await;
    assert!(document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"].is_object());
}

#[tokio::test]
async fn a_created_object_carries_identity_and_can_be_read_again() {
    let api = Api::new();
    let (code, created) = api.post(MAPS, &config_map("x", json!({ "a": "1" }))).await;
    assert_eq!(code, 201);
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(created["metadata"][field].is_string(), "{field}");
    }
    assert_eq!(api.get(&format!("{MAPS}/x")).await, (200, created));
    let (code, refused) = api.post(MAPS, &config_map("x", json!({}))).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("AlreadyExists")));
    assert_eq!(refused["message"], "configmaps \"x\" already exists");
}

#[tokio::test]
async fn refusals_are_statuses_in_the_servers_words() {
    let api = Api::new();
    let (code, status) = api.get(&format!("{MAPS}/gone")).await;
    assert_eq!(code, 404);
    assert_eq!(
        status,
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "configmaps \"gone\" not found", "reason": "NotFound",
            "details": { "name": "gone", "kind": "configmaps" }, "code": 404 })
    );
    let (code, status) = api.post(MAPS, &config_map("Not_A_Name", json!({}))).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .starts_with("ConfigMap \"Not_A_Name\" is invalid: metadata.name: Invalid value")
    );
    assert_eq!(api.get("/api/v1/nothings").await.0, 404);
    let (code, status) = api.post("/api/v1/namespaces/nowhere/configmaps", &config_map("x", json!({}))).await;
    assert_eq!((code, status["message"].as_str().unwrap()), (404, "namespaces \"nowhere\" not found"));
    let (code, document) = api.get("/openapi/v2").await;
    assert_eq!((code, &document["swagger"]), (200, &json!("2.0")));
}

#[tokio::test]
async fn unknown_fields_are_refused_when_asked_strictly() {
    let api = Api::new();
    let mut map = config_map("x", json!({}));
    map["spec"] = json!(1);
    let (code, status) = api.post(&format!("{MAPS}?fieldValidation=Strict"), &map).await;
    assert_eq!(code, 400);
    assert!(status["message"].as_str().unwrap().ends_with("strict decoding error: unknown field \"spec\""));
    let (code, created) = api.post(MAPS, &map).await;
    assert_eq!((code, &created["spec"]), (201, &Value::Null));
}

#[tokio::test]
async fn names_are_generated() {
    let api = Api::new();
    let map = json!({ "metadata": { "generateName": "x-" } });
    let (_, first) = api.post(MAPS, &map).await;
    let (_, second) = api.post(MAPS, &map).await;
    let name = first["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("x-") && name.len() == 7, "{name}");
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
}

#[tokio::test]
async fn a_dry_run_leaves_nothing() {
    let api = Api::new();
    let (code, shown) = api.post(&format!("{MAPS}?dryRun=All"), &config_map("x", json!({}))).await;
    assert_eq!((code, shown["metadata"]["uid"].is_string()), (201, true));
    assert_eq!(api.get(&format!("{MAPS}/x")).await.0, 404);
}

#[tokio::test]
async fn an_update_needs_the_version_it_was_made_from() {
    let api = Api::new();
    let (_, first) = api.post(MAPS, &config_map("x", json!({ "a": "1" }))).await;
    let mut second = first.clone();
    second["data"]["a"] = "2".into();
    let (code, second) = api.put(&format!("{MAPS}/x"), &second).await;
    assert_eq!(code, 200);
    let (code, status) = api.put(&format!("{MAPS}/x"), &first).await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    assert!(status["message"].as_str().unwrap().contains("the object has been modified"));
    let (_, same) = api.put(&format!("{MAPS}/x"), &second).await;
    assert_eq!(
        same["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"],
        "no change, no new version"
    );
}

#[tokio::test]
async fn generation_counts_intent_and_status_has_its_own_way() {
    let api = Api::new();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let (_, created) = api.post(deployments, &deployment("x", "nginx")).await;
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["spec"]["strategy"]["type"], "RollingUpdate");
    assert_eq!(created["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], "Always");
    let merge = "application/merge-patch+json";
    let path = format!("{deployments}/x");
    let (_, scaled) =
        api.patch(&path, merge, &json!({ "spec": { "replicas": 3 }, "status": { "replicas": 9 } })).await;
    assert_eq!((&scaled["metadata"]["generation"], &scaled["status"]["replicas"]), (&json!(2), &Value::Null));
    let (_, reported) = api
        .patch(
            &format!("{path}/status"),
            merge,
            &json!({ "spec": { "replicas": 7 }, "status": { "replicas": 9 } }),
        )
        .await;
    assert_eq!((&reported["spec"]["replicas"], &reported["status"]["replicas"]), (&json!(3), &json!(9)));
    assert_eq!(reported["metadata"]["generation"], 2);
    let (_, scale) = api.patch(&format!("{path}/scale"), merge, &json!({ "spec": { "replicas": 5 } })).await;
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(5)));
    let (_, live) = api.get(&path).await;
    assert_eq!((&live["spec"]["replicas"], &live["metadata"]["generation"]), (&json!(5), &json!(3)));
}

#[tokio::test]
async fn patches_of_every_kind_change_what_they_say() {
    let api = Api::new();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    api.post(deployments, &deployment("x", "nginx")).await;
    let path = format!("{deployments}/x");
    let sidecar =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "two", "image": "b" }] } } } });
    let (_, merged) = api.patch(&path, "application/strategic-merge-patch+json", &sidecar).await;
    assert_eq!(merged["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 2);
    let remove = json!([{ "op": "remove", "path": "/spec/template/spec/containers/0" }]);
    let (_, removed) = api.patch(&path, "application/json-patch+json", &remove).await;
    assert_eq!(removed["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
    let (code, _) = api
        .patch(&path, "application/json-patch+json", &json!([{ "op": "remove", "path": "/spec/none" }]))
        .await;
    assert_eq!(code, 422);
    assert_eq!(api.patch(&path, "text/plain", &json!({})).await.0, 415);
}

#[tokio::test]
async fn an_apply_conflicts_is_forced_and_gives_up_what_it_leaves_out() {
    let api = Api::new();
    let path = format!("{MAPS}/x");
    let (code, created) = api.apply(&path, "one", &config_map("x", json!({ "a": "1", "b": "1" }))).await;
    assert_eq!(code, 201);
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "one");
    let (code, status) = api.apply(&path, "two", &config_map("x", json!({ "a": "2" }))).await;
    assert_eq!(code, 409);
    assert_eq!(status["message"], "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    assert_eq!(status["details"]["causes"][0]["field"], ".data.a");
    let (code, forced) =
        api.apply(&format!("{path}?force=true"), "two", &config_map("x", json!({ "a": "2" }))).await;
    assert_eq!((code, &forced["data"]), (200, &json!({ "a": "2", "b": "1" })));
    let (_, less) = api.apply(&path, "one", &config_map("x", json!({}))).await;
    assert_eq!(less["data"], json!({ "a": "2" }));
    let (code, _) = api.patch(&path, "application/apply-patch+yaml", &config_map("x", json!({}))).await;
    assert_eq!(code, 422, "an applier has a name");
}

#[tokio::test]
async fn a_finalizer_holds_and_its_removal_lets_go() {
    let api = Api::new();
    let mut map = config_map("x", json!({}));
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.post(MAPS, &map).await;
    let path = format!("{MAPS}/x");
    let (code, held) = api.delete(&path).await;
    assert_eq!((code, held["metadata"]["deletionTimestamp"].is_string()), (200, true));
    assert_eq!(api.get(&path).await.0, 200);
    let (code, _) = api
        .patch(
            &path,
            "application/merge-patch+json",
            &json!({ "metadata": { "finalizers": ["example.com/hold", "example.com/new"] } }),
        )
        .await;
    assert_eq!(code, 422);
    api.patch(&path, "application/merge-patch+json", &json!({ "metadata": { "finalizers": null } })).await;
    assert_eq!(api.get(&path).await.0, 404);
}

#[tokio::test]
async fn preconditions_guard_a_deletion() {
    let api = Api::new();
    api.post(MAPS, &config_map("x", json!({}))).await;
    let path = format!("{MAPS}/x");
    let json_type = [("content-type", "application/json")];
    let (code, _) =
        api.call("DELETE", &path, &json_type, &json!({ "preconditions": { "uid": "other" } })).await;
    assert_eq!(code, 409);
    let (code, status) = api.delete(&path).await;
    assert_eq!(
        (code, &status["status"], &status["details"]["kind"]),
        (200, &json!("Success"), &json!("configmaps"))
    );
}

#[tokio::test]
async fn lists_select_and_page() {
    let api = Api::new();
    for name in ["a", "b", "c"] {
        let mut map = config_map(name, json!({}));
        map["metadata"]["labels"] = json!({ "name": name });
        api.post(MAPS, &map).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&api.get(&format!("{MAPS}?labelSelector=name+in+(a,c)")).await.1), ["a", "c"]);
    assert_eq!(names(&api.get(&format!("{MAPS}?fieldSelector=metadata.name%3Db")).await.1), ["b"]);
    assert_eq!(api.get(&format!("{MAPS}?fieldSelector=data.x%3Db")).await.0, 400);
    let (_, first) = api.get(&format!("{MAPS}?limit=2")).await;
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(1))
    );
    api.delete(&format!("{MAPS}/c")).await;
    let next = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = api.get(&format!("{MAPS}?limit=2&continue={next}")).await;
    assert_eq!(names(&second), ["c"], "a page shows what was there when the list began");
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    api.post(MAPS, &config_map("d", json!({}))).await;
    api.local.compact();
    let (code, status) = api.get(&format!("{MAPS}?limit=2&continue={next}")).await;
    assert_eq!((code, &status["reason"]), (410, &json!("Expired")));
}

#[tokio::test]
async fn tables_and_metadata_are_other_forms_of_the_same() {
    let api = Api::new();
    api.post(MAPS, &config_map("x", json!({ "a": "1" }))).await;
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let (_, shown) = api.call("GET", MAPS, &table, &Value::Null).await;
    assert_eq!((&shown["kind"], &shown["rows"][0]["cells"][0]), (&json!("Table"), &json!("x")));
    assert_eq!(shown["rows"][0]["cells"][1], 1);
    let partial = [("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")];
    let (_, shown) = api.call("GET", MAPS, &partial, &Value::Null).await;
    assert_eq!(
        (&shown["kind"], &shown["items"][0]["data"]),
        (&json!("PartialObjectMetadataList"), &Value::Null)
    );
    let protobuf = [("accept", "application/vnd.kubernetes.protobuf")];
    assert_eq!(api.call("GET", MAPS, &protobuf, &Value::Null).await.0, 406);
}

#[tokio::test]
async fn services_get_addresses_of_their_own() {
    let api = Api::new();
    let service = |name: &str| json!({ "metadata": { "name": name }, "spec": { "type": "NodePort", "ports": [{ "port": 80 }] } });
    let services = "/api/v1/namespaces/default/services";
    let (_, one) = api.post(services, &service("one")).await;
    let (_, two) = api.post(services, &service("two")).await;
    assert!(one["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96."));
    assert_ne!(one["spec"]["clusterIP"], two["spec"]["clusterIP"]);
    assert_ne!(one["spec"]["ports"][0]["nodePort"], two["spec"]["ports"][0]["nodePort"]);
    assert_eq!(one["spec"]["ports"][0]["protocol"], "TCP");
}

#[tokio::test]
async fn impersonation_is_held_to_rbac() {
    let api = Api::new();
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }]);
    api.post(&format!("{rbac}/roles"), &json!({ "metadata": { "name": "r" }, "rules": rules })).await;
    let binding = json!({ "metadata": { "name": "b" }, "subjects": [{ "kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io" }],
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r" } });
    api.post(&format!("{rbac}/rolebindings"), &binding).await;
    api.post(MAPS, &config_map("x", json!({}))).await;
    let bob = [("impersonate-user", "bob")];
    assert_eq!(api.call("GET", &format!("{MAPS}/x"), &bob, &Value::Null).await.0, 200);
    let (code, status) = api.call("DELETE", &format!("{MAPS}/x"), &bob, &Value::Null).await;
    assert_eq!(code, 403);
    assert_eq!(
        status["message"],
        "configmaps \"x\" is forbidden: User \"bob\" cannot delete resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
}

#[tokio::test]
async fn both_kinds_of_event_are_one() {
    let api = Api::new();
    let event = json!({ "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "e" }, "note": "said", "reason": "Why",
        "type": "Normal", "action": "Tell", "reportingController": "me", "reportingInstance": "me-1",
        "eventTime": "2026-01-01T00:00:00.000000Z", "regarding": { "kind": "ConfigMap", "name": "x", "namespace": "default" } });
    let (code, created) = api.post("/apis/events.k8s.io/v1/namespaces/default/events", &event).await;
    assert_eq!((code, &created["note"]), (201, &json!("said")));
    let (_, core) = api.get("/api/v1/namespaces/default/events/e").await;
    assert_eq!((&core["message"], &core["involvedObject"]["name"]), (&json!("said"), &json!("x")));
    let (_, listed) = api.get("/apis/events.k8s.io/v1/namespaces/default/events").await;
    assert_eq!(listed["items"][0]["regarding"]["name"], "x");
}

#[tokio::test]
async fn protobuf_bodies_are_read() {
    // Go's typed client: a Namespace named t, in an envelope with its type.
    let object = [b"\x0a\x03\x0a\x01t".as_slice(), b"\x12\x00\x1a\x00"].concat();
    let kind = b"\x0a\x02v1\x12\x09Namespace";
    let mut body = b"k8s\x00".to_vec();
    body.extend([0x0a, u8::try_from(kind.len()).unwrap()]);
    body.extend(kind);
    body.extend([0x12, u8::try_from(object.len()).unwrap()]);
    body.extend(object);
    let api = Api::new();
    let request = http::Request::post("/api/v1/namespaces")
        .header("content-type", "application/vnd.kubernetes.protobuf");
    let send = |body: Vec<u8>| request.body(http_body_util::Full::new(body.into())).unwrap();
    assert_eq!(api.send(send(body)).await.status(), 201);
    assert_eq!(api.get("/api/v1/namespaces/t").await.1["status"]["phase"], "Active");
    let (code, _) = api
        .call(
            "POST",
            "/api/v1/namespaces",
            &[("content-type", "application/vnd.kubernetes.protobuf")],
            &json!(1),
        )
        .await;
    assert_eq!(code, 400);
}

fn deployment(name: &str, image: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": {
        "selector": { "matchLabels": { "app": name } },
        "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [{ "name": "main", "image": image }] } },
    }})
}

#[tokio::test]
async fn the_second_openapi_knows_kinds_made_at_runtime_and_refuses_other_forms() {
    let api = Api::new();
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": { "size": { "type": "integer" } } } } });
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "gears.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "plural": "gears", "kind": "Gear" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    assert_eq!(api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &crd).await.0, 201);
    let (_, document) = api.get("/openapi/v2").await;
    let gear = &document["definitions"]["com.example.v1.Gear"];
    assert_eq!(gear["properties"]["spec"]["properties"]["size"]["type"], "integer");
    let post = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/gears"]["post"];
    assert_eq!(post["x-kubernetes-group-version-kind"]["kind"], "Gear");
    assert_eq!(api.call("GET", "/openapi/v2", &[("accept", "text/html")], &Value::Null).await.0, 406);
    // The form of Go's clients begins with the text of field 1.
    let media = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let request = http::Request::get("/openapi/v2").header("accept", media);
    let answer = api.send(request.body(Default::default()).unwrap()).await;
    assert_eq!(answer.headers()["content-type"], media.replace("@v1", ".v1"));
    let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert!(bytes.starts_with(b"\x0a\x032.0"));
    let name = b"com.example.v1.Gear";
    assert!(bytes.windows(name.len()).any(|window| window == name));
}

#[tokio::test]
async fn a_token_lets_its_account_in_and_no_one_else() {
    let api = Api::new();
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "robot" } });
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    assert_eq!(api.post(accounts, &account).await.0, 201);
    let (code, made) = api.post(&format!("{accounts}/robot/token"), &json!({})).await;
    assert_eq!(code, 201);
    let token = made["status"]["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (_, me) = api.call("POST", review, &[("authorization", &bearer)], &json!({})).await;
    assert_eq!(me["status"]["userInfo"]["username"], "system:serviceaccount:default:robot");
    assert_eq!(api.call("GET", MAPS, &[("authorization", &bearer)], &Value::Null).await.0, 403);
    // Neither a changed token nor one whose account is gone is anybody's.
    let review = "/apis/authentication.k8s.io/v1/tokenreviews";
    let ask = |token: String| json!({ "spec": { "token": token } });
    assert_eq!(api.post(review, &ask(token.clone())).await.1["status"]["authenticated"], true);
    let changed = format!("{}x", &token[..token.len() - 1]);
    assert!(api.post(review, &ask(changed)).await.1["status"]["authenticated"].is_null());
    api.delete(&format!("{accounts}/robot")).await;
    assert!(api.post(review, &ask(token)).await.1["status"]["authenticated"].is_null());
}
