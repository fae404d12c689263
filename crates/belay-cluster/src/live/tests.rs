//! What the picture takes in, and what it does not.

use super::*;
use serde_json::json;

fn live() -> LiveState {
    let nobody = tower::service_fn(|_request: http::Request<kube::client::Body>| {
        futures::future::pending::<Result<http::Response<kube::client::Body>, tower::BoxError>>()
    });
    let client = Client::new(nobody, "default");
    LiveState::new(client.clone(), Kinds::new(client), |_object| Belonging::Whole)
}

fn map(version: &str, text: &str) -> Object {
    let metadata = json!({"name": "a", "namespace": "b", "resourceVersion": version});
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}});
    Object::new(object).expect("an object")
}

fn text(live: &LiveState) -> Option<String> {
    let object = live.get(&map("", "").key())?;
    Some(object.value()["data"]["text"].as_str()?.to_owned())
}

fn kind() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".into(),
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        plural: "configmaps".into(),
    }
}

#[tokio::test]
async fn the_answer_to_a_write_is_ahead_of_what_a_watch_still_tells() {
    let live = live();
    live.put(map("5", "before"));
    live.learn(map("9", "written"));
    live.put(map("7", "on its way"));
    assert_eq!(text(&live).as_deref(), Some("written"));
    live.take_deleted(&map("8", "an earlier life"));
    assert_eq!(text(&live).as_deref(), Some("written"));
    live.take_deleted(&map("10", "written"));
    assert_eq!(text(&live), None);
}

#[tokio::test]
async fn a_list_tells_the_truth_though_its_versions_are_lower_but_not_of_what_is_written_meanwhile() {
    let live = live();
    live.learn(map("90", "before the store was put back"));
    live.begin_list(&kind(), None);
    live.put_listed(map("40", "put back"));
    assert_eq!(text(&live).as_deref(), Some("put back"));
    live.begin_list(&kind(), None);
    live.learn(map("50", "written meanwhile"));
    live.put_listed(map("40", "put back"));
    assert_eq!(text(&live).as_deref(), Some("written meanwhile"));
}

#[tokio::test]
async fn what_has_gone_is_not_brought_back_by_what_a_list_or_a_watch_still_tells() {
    let live = live();
    let life = |uid: &str, version: &str| {
        let mut object = map(version, uid);
        object.value_mut()["metadata"]["uid"] = uid.into();
        object
    };
    live.put(life("one", "5"));
    live.begin_list(&kind(), None);
    live.learn_gone(&life("one", "5").key());
    live.put_listed(life("one", "5"));
    assert_eq!(text(&live), None, "a page of the list from before");
    live.put(life("one", "6"));
    live.take_deleted(&life("an earlier one", "4"));
    live.put(life("one", "6"));
    assert_eq!(text(&live), None, "a late event");
    live.put(life("two", "9"));
    assert_eq!(text(&live).as_deref(), Some("two"));
    live.take_deleted(&life("two", "10"));
    live.begin_list(&kind(), None);
    live.put_listed(life("one", "5"));
    assert_eq!(text(&live).as_deref(), Some("one"), "the cluster's store was put back");
}

#[tokio::test]
async fn a_write_without_an_answer_leaves_its_object_in_doubt_until_the_next_one_is_answered() {
    let (live, object) = (live(), map("", "sent"));
    drop(live.under_way(&object));
    assert!(live.doubts().contains_key(&object.key()));
    live.under_way(&object).answered();
    assert!(live.doubts().is_empty());
}
