//! jq path expressions: the part of the language that says which fields to leave out.
//!
//! `del(EXPRESSION)` is what is meant: the paths that the expression names are taken out. Evaluation is limited in steps
//! (what it makes counts by its size) and in depth; what never ends takes nothing out. Everything else is refused by name.

mod formats;
mod functions;
mod parse;
mod run;

use serde_json::Value;

pub use parse::JqError;

/// A path expression, ready to be applied.
#[derive(Debug, Clone)]
pub struct Jq {
    text: String,
    expression: parse::Expression,
}

impl PartialEq for Jq {
    fn eq(&self, other: &Jq) -> bool {
        self.text == other.text
    }
}

impl Eq for Jq {}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(String),
    Index(usize),
    /// A part of a list; what follows counts from its beginning.
    Slice(Option<i64>, Option<i64>),
}

impl Jq {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Jq, JqError> {
        Ok(Jq { text: text.to_owned(), expression: parse::parse(text)? })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// JSON pointers to the named parts of a value.
    pub(super) fn pointers(&self, value: &Value) -> Vec<String> {
        let one = |path: Vec<Step>| -> String {
            let steps = path.iter().map(|step| match step {
                Step::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => format!("/{index}"),
                // Those were made the places of their items.
                Step::Slice(..) => String::new(),
            });
            steps.collect()
        };
        run::paths(&self.expression, value).unwrap_or_default().into_iter().map(one).collect()
    }

    /// Takes the named paths out. A value that the expression does not fit stays as it is.
    pub fn remove(&self, value: &mut Value) {
        let Some(mut paths) = run::paths(&self.expression, value) else { return };
        // Later items go first, so that the places of earlier ones hold.
        paths.sort();
        paths.dedup();
        for path in paths.iter().rev() {
            remove_at(value, path);
        }
    }
}

fn remove_at(value: &mut Value, path: &[Step]) {
    let Some((first, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    match (first, value) {
        (Step::Field(name), Value::Object(fields)) if rest.is_empty() => {
            fields.shift_remove(name);
        }
        (Step::Field(name), Value::Object(fields)) => {
            if let Some(below) = fields.get_mut(name) {
                remove_at(below, rest);
            }
        }
        (Step::Index(index), Value::Array(items)) if *index < items.len() => {
            if rest.is_empty() {
                items.remove(*index);
            } else {
                remove_at(&mut items[*index], rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn left(expression: &str, mut value: Value) -> Value {
        Jq::parse(expression).unwrap().remove(&mut value);
        value
    }

    fn containers() -> Value {
        json!({"spec": {"replicas": 2, "containers": [
            {"name": "web", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "istio-proxy", "image": "mesh:1"}, {"name": "istio-init", "image": "mesh:2"}]}})
    }

    // What jq 1.7 prints of `del(EXPRESSION)`.
    #[test]
    fn fields_items_and_selections_are_left_out() {
        let spec = |value: Value| json!({"spec": value});
        assert_eq!(
            left(".spec.replicas, .spec.none", spec(json!({"replicas": 1, "a": 2}))),
            spec(json!({"a": 2}))
        );
        assert_eq!(left(r#".spec."a.b""#, spec(json!({"a.b": 1, "c": 2}))), spec(json!({"c": 2})));
        assert_eq!(left(r#".spec["a/b"]"#, spec(json!({"a/b": 1}))), spec(json!({})));
        assert_eq!(left(".spec[0, 2]", spec(json!([1, 2, 3]))), spec(json!([2])));
        assert_eq!(left(".spec[-1:]", spec(json!([1, 2, 3]))), spec(json!([1, 2])));
        assert_eq!(
            left(
                ".webhooks[]?.clientConfig.caBundle",
                json!({"webhooks": [{"clientConfig": {"caBundle": "x", "url": "u"}}, {}]})
            ),
            json!({"webhooks": [{"clientConfig": {"url": "u"}}, {}]})
        );
        assert_eq!(left(".webhooks[]?.clientConfig.caBundle", json!({"kind": "x"})), json!({"kind": "x"}));
    }

    #[test]
    fn conditions_choose_items() {
        let names = |value: &Value| -> Vec<String> {
            let items = value["spec"]["containers"].as_array().unwrap();
            items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        for (expression, expected) in [
            (r#".spec.containers[] | select(.name == "web")"#, vec!["istio-proxy", "istio-init"]),
            (r#".spec.containers[] | select(.name | startswith("istio-"))"#, vec!["web"]),
            (r#".spec.containers[] | select(.name | test("^istio-(init|x)$"))"#, vec!["web", "istio-proxy"]),
            (r#".spec.containers[] | select(.image != null and (.name == "web" | not))"#, vec!["web"]),
            (r#".spec.containers[] | select(has("env") or .image == "mesh:2")"#, vec!["istio-proxy"]),
            (r#".spec.containers[] | select((.env // []) | length > 1)"#, vec!["istio-proxy", "istio-init"]),
            (r#".spec.containers[] | select(.name | IN("web", "istio-init"))"#, vec!["istio-proxy"]),
            (
                r#".spec.containers[] | select([.env[]?.name] | contains(["A"]))"#,
                vec!["istio-proxy", "istio-init"],
            ),
        ] {
            assert_eq!(names(&left(expression, containers())), expected, "{expression}");
        }
        let value = left(r#".spec.containers[]?.env[]? | select(.name == "B").value"#, containers());
        assert_eq!(
            value["spec"]["containers"][0]["env"],
            json!([{"name": "A", "value": "1"}, {"name": "B"}])
        );
        assert_eq!(
            left(".. | .image?", containers())["spec"]["containers"][1],
            json!({"name": "istio-proxy"})
        );
    }

    // What jq 1.7 prints of `del(EXPRESSION)`.
    #[test]
    fn definitions_variables_and_folds_choose_what_is_left_out() {
        let value = json!({"names": ["b", "d"], "items": [{"n": "a", "w": 1}, {"n": "b", "w": 2}, {"n": "c", "w": 3}]});
        let names = |value: &Value| -> Vec<String> {
            let items = value["items"].as_array().unwrap();
            items.iter().map(|item| item["n"].as_str().unwrap().to_owned()).collect()
        };
        for (expression, expected) in [
            (r#".names as $names | .items[] | select(.n | IN($names[]))"#, vec!["a", "c"]),
            (r#"def heavy: .w > 1; .items[] | select(heavy)"#, vec!["a"]),
            (r#"def named(f): select(.n == f); .items[] | named("a", "c")"#, vec!["b"]),
            (r#"def named(f): . as $x | .n == f; .items[] | select(named("a"))"#, vec!["b", "c"]),
            (
                r#"(reduce .items[] as $item (0; . + $item.w)) as $sum | .items[] | select(.w * 2 == $sum)"#,
                vec!["a", "b"],
            ),
            (r#".items[] | if .w % 2 == 1 then . else empty end"#, vec!["b"]),
            (r#".items[] | select(if .w == 1 then true elif .w == 2 then false else true end)"#, vec!["b"]),
            (r#".items[range(2)]"#, vec!["c"]),
            (r#".items[] | select(to_entries | any(.value == 2))"#, vec!["a", "c"]),
            (r#".items[] | select({n, v: .w} == {n: "b", v: 2})"#, vec!["a", "c"]),
            (r#".items[] | select(try (.n | tonumber | false) catch (. == null))"#, vec![]),
            (r#".items | first(.[] | select(.w > 1))"#, vec!["a", "c"]),
            (
                r#"def walk(n): if n == 0 then . else .[n - 1], walk(n - 1) end; .items | limit(1; walk(2))"#,
                vec!["a", "c"],
            ),
            (
                r#".items[] | select([limit(2; .n, .w, 5)] | length == 2) | select(.n | ascii_upcase == "B")"#,
                vec!["a", "c"],
            ),
            (r#".items[] | select(.n | test("B"; "i"))"#, vec!["a", "c"]),
            (r#".items[] | select([.n, "x"] | join("-") | ltrimstr("c-") == "x")"#, vec!["a", "b"]),
        ] {
            assert_eq!(names(&left(expression, value.clone())), expected, "{expression}");
        }
    }

    // What gojq 0.12.19, which Argo CD runs, prints of `del(EXPRESSION)`.
    #[test]
    fn lists_paths_and_types_choose_what_is_left_out() {
        let value = json!({"a": [3, 1, [2, [4]]], "b": {"x": 1, "y": null}, "t": " one,two,one ", "j": "[1]", "n": -1.5,
            "items": [{"n": "b", "w": 1}, {"n": "a", "w": 2}, {"n": "b", "w": 3}]});
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        let holds =
            |condition: &str| names(&left(&format!("if {condition} then .a else .b end"), value.clone()));
        for condition in [
            ".a | flatten == [3, 1, 2, 4]",
            ".a | flatten(1) == [3, 1, 2, [4]]",
            ".n | floor == -2 and abs == 1.5",
            ".j | fromjson == [1]",
            r#".a | tojson == "[3,1,[2,[4]]]""#,
            r#".t | trim == "one,two,one" and ltrim == "one,two,one " and rtrim == " one,two,one""#,
            r#".t | index("one") == 1 and rindex("one") == 9 and indices("one") == [1, 9] and index("x") == null"#,
            ".a | indices(1) == [1] and indices([3, 1]) == [0] and index([]) == null",
            r#"[.items | sort_by(.n)[].w] == [2, 1, 3]"#,
            r#"[.items | sort_by(.n, 3 - .w)[].w] == [2, 3, 1]"#,
            r#"[.items | group_by(.n)[] | map(.w)] == [[2], [1, 3]]"#,
            r#"[.items | unique_by(.n)[].w] == [2, 1]"#,
            r#".items | (min_by(.n).w == 2) and (max_by(.n).w == 3) and ([] | max_by(.n) == null)"#,
            r#".b | map_values(. // empty) == {x: 1}"#,
            r#".b | [paths] == [["x"], ["y"]]"#,
            r#".b | [paths(type == "number")] == [["x"]]"#,
            r#"[path(.a[0], .b.x)] == [["a", 0], ["b", "x"]]"#,
            "isempty(empty) and (isempty(.a) | not)",
            ".a | nth(1) == 1 and nth(0; .[]) == 3 and ([nth(9; .[])] == [])",
            "[.a[] | numbers] == [3, 1] and ([.a[] | arrays] | length) == 1 and ([.b[] | nulls] | length) == 1",
            "[.[] | strings] | length == 2",
            "([.b[] | scalars] | length) == 2 and ([.[] | iterables] | length) == 3",
            "[.items[] | objects | .w] == [1, 2, 3] and ([.b[] | booleans] == [])",
        ] {
            assert_eq!(holds(condition), "a b t j n items".replace("a ", ""), "{condition}");
        }
        let gone = |expression: &str| left(expression, value.clone());
        assert_eq!(gone(r#"getpath(["a", 0], ["b", "x"])"#)["a"], json!([1, [2, [4]]]));
        assert_eq!(gone("paths(numbers) as $p | getpath($p)")["b"], json!({"y": null}));
        assert_eq!(gone(".items | nth(1)")["items"].as_array().unwrap().len(), 2);
        assert_eq!(names(&gone(".[] | strings")), "a b n items");
        // What is made is no part of the object.
        for expression in [".items | sort_by(.n) | .[0]", ".b | map_values(1) | .x", "path(.a)"] {
            assert_eq!(gone(expression), value, "{expression}");
        }
    }

    // What gojq 0.12.19 prints of `del(if CONDITION then .a else .b end)`.
    #[test]
    fn texts_are_matched_and_put_together() {
        let value = json!({"a": 1, "b": 2, "n": 3, "t": "xaab-añb", "l": [1, "x y'", null, true], "m": {"z": 1, "k": "<&>"},
            "e": "aGk", "u": "a b/ü~", "i": "registry.io:5000/app/web:1.2@sha256:0"});
        for condition in [
            "-.n == -3 and 1 - -.n == 4 and -.n + 1 == -2 and -(.n) * 2 == -6 and [-(1, .n)] == [-1, -3]",
            r#""n=\(.n) \(.l[1]) \(.m)" == "n=3 x y' {\"k\":\"<&>\",\"z\":1}""#,
            r#"["\(1, 2)-\(3, 4)"] == ["1-3", "2-3", "1-4", "2-4"]"#,
            r#""\("in \("in")")" == "in in" and "\((1) + (2))" == "3" # a word about it"#,
            r#"."a\("")" == 1 and .m["\("k")"] == "<&>" and {"a\(.n)": 1, "a"} == {a3: 1, a: 1}"#,
            r#"@base64 "x\(.e)" == "xYUdr" and (.e | @base64d) == "hi" and (.e | @base64) == "YUdr""#,
            r#"(.l | @csv) == "1,\"x y'\",,true" and (.l | @sh) == "1 'x y'\\''' null true""#,
            r#"(.l | @tsv) == "1\tx y'\t\ttrue" and (.l | @json) == "[1,\"x y'\",null,true]""#,
            r#"(.m.k | @html) == "&lt;&amp;&gt;" and (.u | @uri) == "a%20b%2F%C3%BC~" and ("a%20b" | @urid) == "a b""#,
            r#".t | match("(?<x>a+)b") == {offset: 1, length: 3, string: "aab", captures:
                [{offset: 1, length: 2, string: "aa", name: "x"}]}"#,
            r#".t | [match("b"; "g").offset] == [3, 7] and [match("(z)?-").captures[0].offset] == [-1]"#,
            r#".t | capture("(?<x>a+)(?<y>z)?") == {x: "aa", y: null} and [capture("(?<x>[bñ])"; "g").x] == ["b", "ñ", "b"]"#,
            r#".t | [scan("a.")] == ["aa", "añ"] and [scan("a(.)")] == [["a"], ["ñ"]] and [scan("A."; "i")] == ["aa", "añ"]"#,
            r#".t | [splits("a+")] == ["x", "b-", "ñb"] and split("[-ñ]"; null) == ["xaab", "a", "b"]"#,
            r#".t | sub("a"; "z") == "xzab-añb" and gsub("a"; "") == "xb-ñb" and [sub("a"; "1", "2")] == ["x1ab-añb", "x2ab-añb"]"#,
            r#".t | gsub("(?<l>[a-z])"; "\(.l | ascii_upcase)") == "XAAB-AñB" and gsub("$"; "!") == "xaab-añb!""#,
            r#"("ab" | gsub(""; "-")) == "-a-b-" and ("aa" | gsub("A"; "b"; "i")) == "bb" and ("aa" | sub("a"; "b"; "g")) == "bb""#,
            r#"(.i | sub("@.*$"; "") | capture("(?<name>.*):(?<tag>[^:/]+)$") | .tag) == "1.2""#,
            r#".t as $t | "xaab" | . as $p | $t | test($p) and test("^" + $p) and (test($p + "$") | not)"#,
            r#"("a\nb" | test("a.b") | not) and ("a\nb" | test("A.B"; "im")) and ("a٣" | test("\\d") | not)"#,
            "def twice($x): $x + $x; def of($x; f): f + $x; twice(.n) == 6 and [of(1, 2; .n)] == [4, 5]",
            "(-2.5 | ceil) == -2 and (2.5 | round) == 3 and ([{a: 1.0}, {a: 1}] | unique | length) == 1",
            "{b: 1, a: 2} < {b: 1, a: 3} and {a: 9} < {b: 1} and {a: 1, b: 2} == {b: 2, a: 1} and {b: 1} > {a: 1, b: 0}",
        ] {
            let gone = left(&format!("if {condition}\nthen .a else .b end"), value.clone());
            assert!(gone.get("a").is_none() && gone.get("b").is_some(), "{condition}");
        }
        // Errors, as gojq's.
        for expression in [
            r#"-.t"#,
            "-.m",
            r#".n | sub("a"; "b")"#,
            r#".t | gsub("a"; 1)"#,
            ".m | @csv",
            "[[1]] | @sh",
            r#""%" | @urid"#,
        ] {
            let whole = format!(".a, ({expression} | empty)");
            assert_eq!(left(&whole, value.clone()), value, "{expression}");
        }
    }

    #[test]
    fn what_does_not_end_takes_nothing_out() {
        for expression in [
            "def f: f; f",
            "def f: ., f; f",
            ".a | repeat(.)",
            ".a | until(false; .)",
            "recurse(.)",
            "range(1000000000000)",
            r#"def f: . + "\(., .)" | f; "a" | f"#,
            r#"reduce range(100000) as $i (""; test("a{\($i % 900)}") | "")"#,
            r#"reduce range(1000) as $i ("aa"; gsub("(?<a>a)"; .a + .a))"#,
            r#"reduce range(100000) as $i ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; . + .)"#,
            "[., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .] | [., .]",
        ] {
            let value = json!({"a": {"b": 1}});
            assert_eq!(left(expression, value.clone()), value, "{expression}");
        }
    }

    // What gojq 0.12.19 prints of `del(EXPRESSION)`.
    #[test]
    fn what_is_not_asked_for_does_no_harm() {
        let value = json!({"a": 1, "b": 2});
        for expression in [
            "first(.a, error)",
            "limit(1; .a, error)",
            "nth(0; .a, error)",
            "try (.a, error)",
            "(.a, error)?",
            "first(.a | repeat(.))",
            "first(range(1000000000) as $i | .a)",
            "if isempty(1, error) then .b else .a end",
            "if any(1, error; . == 1) then .a else .b end",
            "if all(2, error; . == 1) then .b else .a end",
            "limit(1; .a, .b)",
        ] {
            assert_eq!(left(expression, value.clone()), json!({"b": 2}), "{expression}");
        }
        // An error of what takes the results is none of theirs.
        for expression in ["try .a | error", "first(.a, .b) | error", "(.a, .b)? | error", "[.a, error]"] {
            assert_eq!(left(&format!(".b, ({expression})"), value.clone()), value, "{expression}");
        }
    }

    #[test]
    fn what_takes_too_much_takes_nothing_out() {
        for expression in [
            ".none | recurse(.a)",
            r#".none | getpath([range(9000) | "a"])"#,
            "[range(20000)] | [.., ..] | [.., ..] | [.., ..]",
            "[range(60000)] | . - .",
            "[range(60000)] | contains(.)",
            "[range(60000)] as $l | range(60) | select($l == $l)",
            r#"reduce range(20) as $i ("aa"; . + .) | indices(.)"#,
            r#"reduce range(15) as $i ("a"; . + .) | [match("a"; "g")] | [., .] | [., .]"#,
        ] {
            let value = json!({"a": 1});
            assert_eq!(left(&format!(".a, ({expression} | empty)"), value.clone()), value, "{expression}");
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        for expression in [".spec[]", ".a | keys", "1", ".spec | select(.a.b)", ".x[] | .y"] {
            let value = json!({"spec": "text", "a": {"k": 1}});
            assert_eq!(left(expression, value.clone()), value, "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (expression, word) in [
            (". as [$a] | $a", "as"),
            (".a | limit(1; inputs)", "inputs"),
            ("", "end"),
            (".a[", "end"),
            (".a)", ")"),
            (".a | input", "input"),
            ("$__loc__", "$"),
            (".a |= 1", "|="),
            (r#".a | test("(")"#, "test"),
            (r#".a | test("a"; "x")"#, "unsupported regular expression flag"),
            (r#".a | gsub("["; "")"#, "gsub"),
            (r#".a | "x\(.b""#, "end"),
            (r#".a | "x\(.b .)""#, "unexpected"),
            (r#".a | "x\(inputs)""#, "inputs"),
            (".a | @base32", "@base32"),
            (".a | -", "end"),
        ] {
            let error = Jq::parse(expression).unwrap_err().to_string();
            assert!(error.contains(word), "{expression}: {error}");
        }
        let deep = format!("{}.a{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(Jq::parse(&deep).is_err());
        // Many paths of many paths end at the limit of steps, and nothing is taken out.
        let value = json!((0..3000).map(|number| json!({"a": [number]})).collect::<Vec<_>>());
        assert_eq!(left("..|..|..|..|..|..|..|..", value.clone()), value);
    }
}
