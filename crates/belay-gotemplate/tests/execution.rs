//! Limits, and functions that see the execution.

use std::sync::Arc;

use belay_gotemplate::{
    Budget, Clock, Error, Functions, Limit, Moment, Options, RandomSource, TemplateSet, Type, Value, parse,
    sprig,
};

fn execute(functions: Functions, text: &str, budget: Budget) -> Result<String, Error> {
    let mut set = TemplateSet::new("root", Arc::new(functions));
    set.parse("main", text)?;
    set.execute("main", Value::Nil, &Options { budget, ..Options::default() })
}

fn limit_of(text: &str, budget: Budget) -> Option<Limit> {
    execute(sprig(), text, budget).expect_err("the limit is lower").limit()
}

#[test]
fn bad_r10_hostile_templates_end_in_a_limit() {
    let small = Budget { steps: 10_000, output_bytes: 10_000, depth: 500 };
    assert_eq!(limit_of("{{range until 1000000000}}x{{end}}", small), Some(Limit::Steps));
    assert_eq!(limit_of("{{repeat 1000000000 \"x\"}}", small), Some(Limit::OutputBytes));
    assert_eq!(limit_of("{{range 1000000000}}{{end}}", small), Some(Limit::Steps));
    assert_eq!(
        limit_of("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", small),
        Some(Limit::Depth)
    );
    assert_eq!(
        limit_of("{{range 9000}}xx{{end}}", Budget { steps: 100_000, ..small }),
        Some(Limit::OutputBytes)
    );
}

#[test]
fn bad_r10_values_that_hold_themselves_end_in_an_error() {
    let small = Budget { steps: 1_000_000, output_bytes: 1 << 20, depth: 500 };
    for use_of_it in [
        "{{$m}}",
        "{{print $m}}",
        "{{printf \"%#v\" $m}}",
        "{{$m | toString}}",
        "{{deepCopy $m | len}}",
        "{{merge (dict \"m\" (dict)) (deepCopy $m)}}",
        "{{mustToJson $m}}",
        "{{deepEqual (list $m) (list (merge (dict) $m))}}",
    ] {
        // Each level holds the first one twice.
        let template = format!(
            "{{{{$m := dict}}}}{{{{$_ := set $m \"m\" $m}}}}{{{{$_ := set $m \"n\" $m}}}}{use_of_it}"
        );
        let answer = execute(sprig(), &template, small);
        let is_refused = answer.as_ref().is_err_and(|error| {
            error.limit() == Some(Limit::OutputBytes) || error.to_string().contains("cycle")
        });
        assert!(is_refused || use_of_it.contains("deepEqual"), "{use_of_it}: {answer:?}");
    }
}

#[test]
fn bad_r10_small_templates_cannot_build_huge_text() {
    let small = Budget { steps: 1_000_000, output_bytes: 1 << 24, depth: 500 };
    let doubled = "{{$l := list \"x\"}}{{range 60}}{{$l = list $l $l}}{{end}}";
    let long = "{{$s := repeat 1000000 \"x\"}}{{$l := list $s}}{{range 12}}{{$l = list $l $l}}{{end}}";
    for template in [format!("{doubled}{{{{$l}}}}"), format!("{long}{{{{$l}}}}")] {
        assert_eq!(limit_of(&template, small), Some(Limit::OutputBytes));
    }
    for join in ["print $s $s", "printf \"%s%s\" $s $s", "cat $s $s", "quote $s $s", "list $s $s | toJson"] {
        let template = format!("{{{{$s := \"x\"}}}}{{{{range 60}}}}{{{{$s = {join}}}}}{{{{end}}}}");
        let small = Budget { output_bytes: 1 << 18, ..small };
        assert_eq!(limit_of(&template, small), Some(Limit::OutputBytes), "{join}");
    }
}

#[test]
fn bad_r2_deep_values_are_dropped_without_a_crash() {
    let template = "{{$l := list}}{{range 150000}}{{$l = list $l}}{{end}}{{$m := dict}}{{range 150000}}{{$m = dict \"a\" $m}}{{end}}{{len $l}}";
    assert_eq!(execute(sprig(), template, Budget::default()).ok().as_deref(), Some("1"));
}

#[test]
fn bad_r2_deep_nesting_is_an_error_and_not_a_crash() {
    let parentheses = format!("{{{{{}1{}}}}}", "(".repeat(20_000), ")".repeat(20_000));
    let blocks = "{{if 1}}".repeat(20_000);
    for text in [parentheses, blocks] {
        let error = execute(Functions::new(), &text, Budget::default()).expect_err("too deep").to_string();
        assert!(error.contains("depth exceeded"), "{error}");
    }
}

/// `include` and `tpl` as a host writes them.
fn with_include() -> Functions {
    let mut functions = sprig();
    functions.add("include", [Type::String, Type::Any], Type::String, |call, arguments| {
        let name = arguments.text(0)?.to_string();
        Ok(Value::String(call.execute(&name, arguments.value(1)?.clone())?))
    });
    functions.add("tpl", [Type::String, Type::Any], Type::String, |call, arguments| {
        let mut set = call.templates().clone();
        set.parse("tpl", &arguments.text(0)?.to_str())?;
        Ok(Value::String(call.execute_in(set, "tpl", arguments.value(1)?.clone())?))
    });
    functions
}

#[test]
fn functions_execute_templates_of_the_set() {
    let text = r#"{{define "name"}}<{{.}}>{{end}}{{include "name" "a" | upper}} {{tpl "{{include \"name\" .}}!" "b"}}"#;
    assert_eq!(execute(with_include(), text, Budget::default()).ok().as_deref(), Some("<A> <b>!"));
}

#[test]
fn an_error_of_a_nested_template_names_both_places() {
    let text = "{{define \"x\"}}\n{{.a.b}}{{end}}{{include \"x\" \"s\"}}";
    let error = execute(with_include(), text, Budget::default()).expect_err("a string has no fields");
    assert_eq!(
        error.to_string(),
        "template: main:2:17: executing \"main\" at <include \"x\" \"s\">: error calling include: \
         template: main:2:4: executing \"x\" at <.a.b>: can't evaluate field a in type string"
    );
}

#[test]
fn a_clone_keeps_its_additions_to_itself() {
    let mut set = TemplateSet::new("root", Arc::default());
    set.parse("a", "1").expect("it is a template");
    let mut clone = set.clone();
    let parsed = clone.parse_only("b", "2").expect("it is a template");
    clone.add(&parsed);
    assert!(clone.contains("a") && clone.contains("b") && !set.contains("b"));
    assert!(parse("c", "{{x}}", &Default::default(), &|_| false).is_err());
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { seconds: 1_700_000_000, nanoseconds: 600_000_000, offset: 3600 }
    }
}

impl RandomSource for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn with_surroundings(text: &str) -> String {
    let mut set = TemplateSet::new("root", Arc::new(sprig()));
    set.parse("main", text).expect("it is a template");
    let options =
        Options { clock: Some(Arc::new(Fixed)), random: Some(Arc::new(Fixed)), ..Options::default() };
    set.execute("main", Value::Nil, &options).unwrap_or_else(|error| error.to_string())
}

#[test]
fn dates_are_seen_from_the_clock_given() {
    for (text, expected) in [
        ("{{ago 1699996400}}", "1h0m1s"),
        ("{{ago (now | dateModify \"-90s\")}}", "1m30s"),
        ("{{ago nil}}", "0s"),
        ("{{now | dateModify \"-49h\" | durationRound}}", "2d"),
        ("{{toDate \"2006-01-02\" \"2024-01-02\"}}", "2024-01-02 00:00:00 +0100 +0100"),
    ] {
        assert_eq!(with_surroundings(text), expected, "{text}");
    }
}

#[test]
fn shuffle_keeps_the_characters() {
    let shuffled = with_surroundings("{{shuffle \"abcdéf\"}}");
    let mut characters: Vec<char> = shuffled.chars().collect();
    characters.sort_unstable();
    assert_eq!((characters.into_iter().collect::<String>().as_str(), shuffled != "abcdéf"), ("abcdfé", true));
}

#[test]
fn passwords_use_the_random_source() {
    // Go's bcrypt accepts this hash for the password.
    let hash = with_surroundings("{{bcrypt \"secret\"}}");
    assert_eq!(hash, "$2a$10$/uaF/uaF/uaF/uaF/uaF/urESAFBfJJypsrpwVvhzovrroypCS9UW");
    let line = with_surroundings("{{htpasswd \"user\" \"secret\"}}");
    assert_eq!(line, format!("user:{hash}"));
    let text = "{{encryptAES \"key\" \"a text of more than one block\" | decryptAES \"key\"}}";
    assert_eq!(with_surroundings(text), "a text of more than one block");
}
