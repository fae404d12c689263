use super::*;

fn data(entries: &[(&str, &str)]) -> Data {
    entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn parse(entries: &[(&str, &str)]) -> Result<Parsed, String> {
    Settings::parse(&data(entries), &Data::new()).map_err(|error| error.to_string())
}

fn settings(entries: &[(&str, &str)]) -> Settings {
    parse(entries).expect("well written").settings
}

#[test]
fn nothing_set_is_the_default() {
    assert_eq!(parse(&[]), Ok(Parsed::default()));
}

#[test]
fn both_forms_of_customizations_say_the_same() {
    let split = settings(&[
        ("resource.customizations.health.example.com_Widget", "return {}"),
        ("resource.customizations.useOpenLibs.example.com_Widget", "true"),
        ("resource.customizations.ignoreDifferences.all", "jsonPointers: [/spec/x]"),
    ]);
    let whole = settings(&[(
        "resource.customizations",
        "example.com/Widget:\n  health.lua: return {}\n  health.lua.useOpenLibs: true\n\
         '*/*':\n  ignoreDifferences: |\n    jsonPointers: [/spec/x]\n",
    )]);
    assert_eq!(split.customizations, whole.customizations);
    assert_eq!(split.customizations.health("example.com", "Widget"), Some(("return {}", true)));
}

#[test]
fn known_types_are_read_in_both_forms_and_unknown_ones_are_named() {
    let split = settings(&[(
        "resource.customizations.knownTypeFields.example.com_Widget",
        "- {field: spec.ram, type: core/Quantity}\n- {field: spec.pod, type: core/v1/PodSpec}\n",
    )]);
    let whole = "example.com/Widget:\n  knownTypeFields:\n  - {field: spec.ram, type: core/Quantity}\n  - {type: core/v1/PodSpec, field: spec.pod}\n";
    let whole = settings(&[("resource.customizations", whole)]);
    assert_eq!(split.customizations, whole.customizations);
    assert_eq!(
        split.customizations.exact("example.com", "Widget").map(|known| known.known_types.len()),
        Some(2)
    );
    let parsed = parse(&[(
        "resource.customizations.knownTypeFields.Widget",
        "- {field: spec.a, type: core/Number}\n- {field: spec.b, type: meta/v1/Duration}\n",
    )])
    .unwrap();
    let known = &parsed.settings.customizations.exact("", "Widget").unwrap().known_types;
    assert_eq!(known.iter().map(|known| known.field.as_str()).collect::<Vec<_>>(), ["spec.b"]);
    let message = "argocd-cm: resource.customizations.knownTypeFields.Widget: Failed to configure known field \
                   normalizer: type 'core/Number' is not supported";
    assert_eq!(parsed.notices, [Notice { weight: Weight::Behaviour, message: message.to_owned() }]);
}

#[test]
fn the_most_exact_pattern_tells_the_health() {
    let text = "'*.example.com/*': {health.lua: wide}\n'*.a.example.com/*': {health.lua: near}\n\
                x.a.example.com/Own: {health.lua: own}\n";
    let settings = settings(&[("resource.customizations", text)]);
    let health = |kind| settings.customizations.health("x.a.example.com", kind).map(|(script, _)| script);
    assert_eq!((health("Own"), health("Other")), (Some("own"), Some("near")));
    assert_eq!(settings.customizations.health("", "Pod"), None);
}

#[test]
fn errors_name_key_and_line() {
    for (key, text, expected) in [
        ("resource.exclusions", "- kinds: [A]\n- kinds: {}\n", "line 2: kinds must be a list"),
        ("resource.exclusions", "- kinds: [A\n", "line 2: did not find expected ',' or ']'"),
        (
            "application.resourceTrackingMethod",
            "labels",
            "line 1: \"labels\" is none of annotation, label, annotation+label",
        ),
        ("application.instanceLabelKey", "-x", "line 1: \"-x\" cannot be the key of a label"),
        ("timeout.reconciliation", "soon", "line 1: \"soon\" is no duration, as 120s or 3m"),
        ("resource.customizations.helth.Pod", "x", "resource customization type helth not supported"),
        (
            "globalProjects",
            "- labelSelector:\n    matchExpressions:\n    - {operator: Is}\n",
            "line 3: \"Is\" is no operator of a selector",
        ),
    ] {
        assert_eq!(parse(&[(key, text)]), Err(format!("argocd-cm: {key}: {expected}")), "{text}");
    }
}

#[test]
fn what_is_not_acted_on_is_named() {
    let parsed = parse(&[
        ("kustomize.version.v4", "/bin/kustomize"),
        ("resource.compareoptions", "ignoreAggregatedRole: true"),
        ("some.key", "x"),
        ("timeout.hard.reconciliation", "0s"),
        ("url", "https://example.com"),
    ])
    .expect("well written");
    let messages: Vec<&str> = parsed.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "argocd-cm: kustomize.version.v4: is not supported yet",
            "argocd-cm: resource.compareoptions: line 1: the value has no field \"ignoreAggregatedRole\"; it is not acted on",
            "argocd-cm: some.key: is no key that Argo CD knows",
            "argocd-cm: url: concerns no part of Belay",
        ]
    );
    assert_eq!(parsed.notices.last().map(|notice| notice.weight), Some(Weight::Idle));
}

#[test]
fn an_expression_that_is_not_understood_concerns_its_kind_only() {
    let key = "resource.customizations.ignoreDifferences.apps_Deployment";
    let text = "jqPathExpressions:\n- .spec.replicas\n- 'input'\n";
    let settings = settings(&[(key, text)]);
    let fields = &settings.customizations.exact("apps", "Deployment").expect("is set").ignore_differences;
    assert_eq!(fields.jq.len(), 1);
    assert_eq!((fields.refused.len(), fields.refused[0].line), (1, 3));
}

#[test]
fn exclusions_come_before_inclusions() {
    let settings = settings(&[
        (
            "resource.exclusions",
            "- apiGroups: ['*.example.com']\n  kinds: [Noise]\n  clusters: ['https://a*']\n",
        ),
        (
            "resource.inclusions",
            "- apiGroups: ['*']\n  clusters: ['https://a*']\n- kinds: [Pod]\n  clusters: [https://b]\n",
        ),
    ]);
    let excluded = |group, kind, cluster| settings.filter.is_excluded(group, kind, cluster);
    assert!(excluded("x.example.com", "Noise", "https://a1"));
    assert!(!excluded("x.example.com", "Noise", "https://c"));
    assert!(!excluded("x.example.com", "Other", "https://a1"));
    assert!(excluded("", "Service", "https://b") && !excluded("", "Pod", "https://b"));
    assert!(
        excluded("events.k8s.io", "Event", "x")
            && excluded("", "Event", "x")
            && !excluded("", "Service", "x")
    );
}

#[test]
fn a_malformed_map_leaves_the_last_good_settings() {
    let live = LiveSettings::default();
    let broken = || {
        Settings::parse(&data(&[("cluster.inClusterEnabled", "maybe")]), &Data::new())
            .map(|parsed| parsed.settings)
    };
    assert!(live.set(broken()));
    assert!(live.checked().is_err());
    let good = Settings { in_cluster_enabled: false, ..Settings::default() };
    assert!(live.set(Ok(good.clone())));
    assert!(live.set(broken()) && !live.set(broken()));
    assert_eq!(live.checked().expect("there were good ones").as_ref(), &good);
    assert!(live.problem().is_some());
}
