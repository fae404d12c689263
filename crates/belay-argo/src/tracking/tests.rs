use super::*;
use serde_json::json;

fn target(method: TrackingMethod) -> Target {
    let tracking = Tracking { method, ..Tracking::default() };
    with(tracking)
}

fn with(tracking: Tracking) -> Target {
    let system = Settings { tracking, ..Settings::default() };
    Target {
        instance: "web".into(),
        namespace: "prod".into(),
        cluster: "https://here".into(),
        system: Arc::new(system),
    }
}

fn deployment() -> Object {
    Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "prod"}}))
    .unwrap()
}

fn marked(target: &Target) -> Object {
    let mut object = deployment();
    track(&mut object, target).unwrap();
    object
}

const LABEL: &str = "app.kubernetes.io/instance";

#[test]
fn a_mark_names_the_object_itself() {
    let target = target(TrackingMethod::Annotation);
    let object = marked(&target);
    assert_eq!(object.annotation(TRACKING_ID), Some("web:apps/Deployment:prod/a"));
    assert_eq!(object.label(LABEL), None);
    assert_eq!(tracked_app(&object, &target.system.tracking), Some("web"));
    let mut copy = object.value().clone();
    copy["metadata"]["name"] = json!("copy");
    let copy = Object::new(copy).unwrap();
    assert_eq!(tracked_app(&copy, &target.system.tracking), None);
    assert_eq!(named_app(&copy, &target.system.tracking), Some("web"));
}

#[test]
fn a_label_is_the_mark_of_what_nobody_owns() {
    let target = target(TrackingMethod::Label);
    let mut object = marked(&target);
    assert_eq!((object.label(LABEL), object.annotation(TRACKING_ID)), (Some("web"), None));
    assert_eq!(tracked_app(&object, &target.system.tracking), Some("web"));
    object.value_mut()["metadata"]["ownerReferences"] = json!([{"uid": "x"}]);
    assert_eq!(tracked_app(&object, &target.system.tracking), None);
}

#[test]
fn only_a_label_beside_the_annotation_is_cut() {
    let long = format!("{}-_{}", "a".repeat(61), "b".repeat(10));
    let label = |method| {
        let target = Target { instance: long.clone(), ..target(method) };
        marked(&target).label(LABEL).map(str::to_owned)
    };
    assert_eq!(label(TrackingMethod::AnnotationAndLabel), Some("a".repeat(61)));
    assert_eq!(label(TrackingMethod::Label), Some(long.clone()));
    let odd = Target { instance: "-".repeat(70), ..target(TrackingMethod::AnnotationAndLabel) };
    assert_eq!(track(&mut deployment(), &odd), Err(NoLabel));
}

#[test]
fn an_installation_knows_its_own_marks_only() {
    let target = with(Tracking { installation_id: "here".into(), ..Tracking::default() });
    let object = marked(&target);
    assert_eq!(tracked_app(&object, &target.system.tracking), Some("web"));
    let there = Tracking { installation_id: "there".into(), ..Tracking::default() };
    assert_eq!(tracked_app(&object, &there), None);
    assert_eq!(tracked_app(&object, &Tracking::default()), Some("web"));
}

#[test]
fn another_method_s_marks_make_no_difference() {
    let by_label = marked(&target(TrackingMethod::Label));
    for method in [TrackingMethod::Annotation, TrackingMethod::AnnotationAndLabel] {
        let target = target(method);
        let desired = marked(&target);
        assert_eq!(*with_equal_marks(&by_label, &desired, &target.system.tracking), desired, "{method:?}");
    }
    // An object that is another app's is no such case.
    let mut moved = marked(&target(TrackingMethod::AnnotationAndLabel));
    moved.set_annotation(TRACKING_ID, "other:apps/Deployment:prod/a");
    let target = target(TrackingMethod::Annotation);
    let compared = with_equal_marks(&moved, &marked(&target), &target.system.tracking);
    assert_eq!(compared.annotation(TRACKING_ID), Some("other:apps/Deployment:prod/a"));
}
