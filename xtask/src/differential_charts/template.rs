//! Random templates over given values.

use serde_json::{Map, Value};

use super::values::{KEYS, path};
use crate::random::Random;

/// What a template may refer to.
pub(super) struct Scope<'a> {
    pub(super) chart: &'a str,
    pub(super) values: &'a Map<String, Value>,
    pub(super) subcharts: &'a [String],
}

const KINDS: [&str; 9] = [
    "ConfigMap",
    "Service",
    "Deployment",
    "Secret",
    "Job",
    "Ingress",
    "Widget",
    "ClusterRole",
    "ServiceAccount",
];

/// A file of `templates/` that gives one or more objects.
pub(super) fn file(random: &mut Random, scope: &Scope<'_>, number: usize) -> String {
    let mut text = String::new();
    for document in 0..1 + random.below(2) {
        if document > 0 {
            random.note("several documents in a file");
            text.push_str(random.pick(&["---\n", "\n---\n", "--- # next\n", "---\n---\n"]));
        }
        object(random, scope, number, document, &mut text);
    }
    text
}

fn object(random: &mut Random, scope: &Scope<'_>, number: usize, document: usize, text: &mut String) {
    let kind = random.pick(&KINDS);
    let guarded = random.chance(20);
    if guarded {
        random.note("object under a condition");
        text.push_str(&format!("{{{{- if {} }}}}\n", condition(random, scope)));
    }
    text.push_str(&format!("apiVersion: v1\nkind: {kind}\nmetadata:\n"));
    text.push_str(&format!("  name: {{{{ .Release.Name }}}}-{}-{number}-{document}\n", scope.chart));
    if random.chance(15) {
        hook(random, text);
    }
    if random.chance(25) {
        text.push_str(&format!("  labels: {{{{- include \"{}.labels\" . | nindent 4 }}}}\n", scope.chart));
    }
    text.push_str("data:\n");
    for line in 0..1 + random.below(5) {
        field(random, scope, line, text);
    }
    if guarded {
        text.push_str("{{- end }}\n");
    }
}

fn hook(random: &mut Random, text: &mut String) {
    random.note("hook");
    let events = [
        "pre-install",
        "post-install,post-upgrade",
        "test",
        "pre-delete",
        "test-success",
        "crd-install",
        "bogus",
    ];
    text.push_str(&format!("  annotations:\n    helm.sh/hook: {}\n", random.pick(&events)));
    if random.chance(50) {
        text.push_str(&format!(
            "    helm.sh/hook-weight: \"{}\"\n",
            random.pick(&["-5", "0", "1", "10", "x"])
        ));
    }
    if random.chance(40) {
        let policies = ["hook-succeeded", "before-hook-creation,hook-failed", "bogus"];
        text.push_str(&format!("    helm.sh/hook-delete-policy: {}\n", random.pick(&policies)));
    }
}

/// A line or block of an object.
fn field(random: &mut Random, scope: &Scope<'_>, line: usize, text: &mut String) {
    match random.below(16) {
        0..=3 => text.push_str(&format!("  f{line}: {{{{ {} | quote }}}}\n", expression(random, scope, 2))),
        4 => text.push_str(&format!("  f{line}: {{{{ {} | toJson }}}}\n", expression(random, scope, 1))),
        5 => {
            let writer = random.pick(&["toYaml", "toJson", "toToml", "toYamlPretty"]);
            random.note(writer);
            text.push_str(&format!(
                "  f{line}: |-\n    {{{{- {writer} ({} | default dict) | nindent 4 }}}}\n",
                expression(random, scope, 0)
            ));
        }
        6 => {
            random.note("toYaml into the tree");
            text.push_str(&format!("  f{line}:\n    {{{{- toYaml {} | nindent 4 }}}}\n", value(random, scope)));
        }
        7 => text.push_str(&format!(
            "  {{{{- range $index, $item := {} }}}}\n  f{line}-{{{{ $index }}}}: {{{{ $item | toJson | quote }}}}\n  \
             {{{{- {}end }}}}\n",
            ranged(random, scope),
            if random.chance(30) { "else }}\n  none: \"\"\n  {{- " } else { "" }
        )),
        8 => {
            random.note("with");
            text.push_str(&format!(
                "  {{{{- with {} }}}}\n  f{line}: {{{{ . | toJson | quote }}}}\n  {{{{- else }}}}\n  f{line}: none\n  \
                 {{{{- end }}}}\n",
                value(random, scope)
            ));
        }
        9 => text.push_str(&format!(
            "  {{{{- if {} }}}}\n  f{line}: a\n  {{{{- else if {} }}}}\n  f{line}: b\n  {{{{- end }}}}\n",
            condition(random, scope),
            condition(random, scope)
        )),
        10 => {
            random.note("tpl");
            text.push_str(&format!(
                "  f{line}: {{{{ tpl (toString {}) . | quote }}}}\n",
                expression(random, scope, 0)
            ));
        }
        11 => {
            random.note("include");
            let name = if scope.subcharts.is_empty() || random.chance(60) {
                scope.chart
            } else {
                random.note("include across charts");
                random.pick_ref(scope.subcharts).as_str()
            };
            text.push_str(&format!("  f{line}: {{{{ include \"{name}.name\" . | quote }}}}\n"));
        }
        12 => {
            random.note("mutated dict");
            text.push_str(&format!(
                "  {{{{- $d := dict \"k\" {} }}}}\n  {{{{- $_ := set $d \"extra\" (list 1 \"two\" 3.5) }}}}\n  f{line}: \
                 {{{{ {} | toJson | quote }}}}\n",
                value(random, scope),
                random.pick(&["$d", "merge $d .Values", "mergeOverwrite (deepCopy .Values) $d", "keys $d | sortAlpha", "omit $d \"k\"", "pick $d \"k\" \"none\""])
            ));
        }
        13 => {
            random.note("variables in a loop");
            text.push_str(&format!(
                "  {{{{- $n := 0 }}}}\n  {{{{- range until {} }}}}\n  {{{{- $n = add $n . }}}}\n  {{{{- if gt . 3 }}}}{{{{ {} \
                 }}}}{{{{ end }}}}\n  {{{{- end }}}}\n  f{line}: {{{{ $n }}}}\n",
                random.below(6),
                random.pick(&["break", "continue"])
            ));
        }
        14 => text.push_str(&format!("  # {{{{- /* a comment */ -}}}}\n  f{line}: {}\n", builtin(random))),
        _ => {
            random.note("assertion");
            text.push_str(&format!(
                "  f{line}: {{{{ {} {} | quote }}}}\n",
                random.pick(&["default \"d\"", "coalesce \"\"", "mustToJson", "toRawJson", "toPrettyJson"]),
                value(random, scope)
            ));
        }
    }
}

/// Something to range over; seldom something that may not be fit for it.
fn ranged(random: &mut Random, scope: &Scope<'_>) -> String {
    let value = value(random, scope);
    if random.chance(4) {
        random.note("range over anything");
        return value;
    }
    random.note("range");
    format!("(ternary {value} (list {value}) (or (kindIs \"map\" {value}) (kindIs \"slice\" {value})))")
}

/// What every template sees.
fn builtin(random: &mut Random) -> String {
    random.note("built-in object");
    let all = [
        ".Release.Namespace",
        ".Release.IsUpgrade",
        ".Release.Revision",
        ".Release.Service",
        ".Chart.Name",
        ".Chart.Version",
        ".Chart.AppVersion",
        ".Chart.Type",
        ".Chart.IsRoot",
        ".Chart.Annotations | toJson",
        ".Chart.Keywords",
        ".Chart.Maintainers",
        ".Chart.Dependencies | len",
        ".Template.Name",
        ".Template.BasePath",
        ".Capabilities.KubeVersion",
        ".Capabilities.KubeVersion.Minor",
        ".Capabilities.APIVersions.Has \"apps/v1\"",
        ".Capabilities.APIVersions.Has \"example.com/v1\"",
        ".Capabilities.HelmVersion.Version",
        ".Files.Get \"files/a.txt\"",
        "(.Files.Glob \"files/*\").AsConfig | toJson",
        ".Files.Lines \"files/a.txt\"",
        "(.Files.Glob \"**\").AsSecrets | b64enc",
        "len .Subcharts",
        ".Subcharts | keys | sortAlpha",
        "lookup \"v1\" \"Secret\" \"\" \"\"",
        ".Values | keys | sortAlpha | toJson",
        ".Values.global | toJson",
        "$.Release.Name | upper",
        "typeOf .Values",
        "kindOf .Files",
        "printf \"%v\" .Release",
    ];
    format!("{{{{ {} | quote }}}}", random.pick(&all))
}

fn value(random: &mut Random, scope: &Scope<'_>) -> String {
    if let Some(name) = scope.subcharts.first().filter(|_| random.chance(8)) {
        return format!(".Values.{name}");
    }
    let path = path(random, scope.values);
    if random.chance(3) {
        random.note("path that may end early");
        return format!(".Values.{path}");
    }
    // In parentheses a step into nothing gives nothing.
    let mut steps = path.split('.');
    let mut text = format!(".Values.{}", steps.next().unwrap_or_default());
    for step in steps {
        text = format!("(dig \"{step}\" \"gone\" (ternary {text} dict (kindIs \"map\" {text})))");
        if random.chance(50) {
            text = format!("(get ({text} | list | first | toJson | fromJson) \"{step}\")");
        }
    }
    text
}

fn condition(random: &mut Random, scope: &Scope<'_>) -> String {
    let one = value(random, scope);
    let other = value(random, scope);
    match random.below(11) {
        0..=2 => one,
        3 => format!("not {one}"),
        4 => format!("and {one} {other}"),
        5 => format!("or {one} {other}"),
        6 => format!("eq (toString {one}) (toString {other})"),
        7 => format!("hasKey .Values \"{}\"", random.pick(&KEYS)),
        8 => format!("kindIs \"map\" {one}"),
        9 if random.chance(3) => format!("lt {one} {other}"),
        _ => format!("semverCompare \">=1.{}-0\" .Capabilities.KubeVersion.Version", random.below(40)),
    }
}

/// Functions that take anything.
const OF_ANYTHING: &[&str] = &[
    "toString",
    "toJson",
    "kindOf",
    "typeOf",
    "printf \"%v\"",
    "printf \"%s\"",
    "printf \"%q\"",
    "printf \"%d\"",
    "printf \"%5.2f\"",
    "printf \"%T\"",
    "printf \"%#v\"",
    "default \"d\"",
    "squote",
    "quote",
    "empty",
    "toStrings",
    "list",
    "tuple 1",
    "cat \"x\"",
    "print",
    "println",
    "html",
    "js",
    "int",
    "int64",
    "float64",
];

/// Functions that take a text.
const OF_TEXT: &[&str] = &[
    "upper",
    "lower",
    "title",
    "untitle",
    "trunc 5",
    "trunc -3",
    "trimSuffix \"-\"",
    "trimPrefix \"w\"",
    "trim",
    "trimAll \"-\"",
    "indent 2",
    "nindent 2",
    "replace \"a\" \"b\"",
    "splitList \",\" | toJson",
    "split \":\" | toJson",
    "b64enc",
    "sha256sum",
    "adler32sum",
    "sha1sum",
    "snakecase",
    "camelcase",
    "kebabcase",
    "contains \"a\"",
    "hasPrefix \"w\"",
    "hasSuffix \"b\"",
    "regexMatch \"^[a-z]+$\"",
    "regexReplaceAll \"[aeiou]\" \"#\"",
    "regexFind \"[0-9]+\"",
    "fromYaml | toJson",
    "fromJson | toJson",
    "fromYamlArray | toJson",
    "urlquery",
    "wrap 10",
    "wrapWith 5 \"-\"",
    "repeat 2",
    "nospace",
    "initials",
    "swapcase",
    "b64dec",
    "int",
    "float64",
    "atoi",
];

/// Functions that want something that may not be there.
const DEMANDING: &[&str] = &[
    "len",
    "first",
    "last",
    "keys",
    "join \",\"",
    "uniq",
    "sortAlpha",
    "reverse",
    "compact",
    "add 1",
    "mul 2",
    "addf 0.5",
    "round 1",
    "ternary \"y\" \"n\"",
    "initial",
    "substr 0 3",
    "toDecimal",
    "untilStep 0 3",
    "max 3",
    "min 3",
    "ceil",
    "floor",
    "has 1",
    "without 1",
    "append 1",
    "prepend 1",
    "concat (list 1)",
    "index 0",
    "slice 0 1",
    "semver",
];

/// The same with something they can work on.
const SATISFIED: &[(&str, &str)] = &[
    ("list 3 1 2", "len"),
    ("list 3 \"a\" nil", "first"),
    ("list 3 1.5 true", "last"),
    ("dict \"b\" 1 \"a\" 2", "keys | sortAlpha"),
    ("list 1 nil \"x\"", "join \",\""),
    ("list 1 2 2 \"2\"", "uniq"),
    ("list \"b\" \"a\" 3", "sortAlpha"),
    ("list 1 2 3", "reverse"),
    ("list 0 \"\" nil 4", "compact"),
    ("41", "add 1"),
    ("\"41\"", "add 1"),
    ("2.9", "mul 2"),
    ("1.25", "addf 0.5"),
    ("2.345", "round 1"),
    ("true", "ternary \"y\" \"n\""),
    ("list 1 2", "initial"),
    ("\"abcdef\"", "substr 0 3"),
    ("\"0777\"", "toDecimal"),
    ("2", "untilStep 0 9"),
    ("\"17\"", "max 3"),
    ("2.5", "min 3"),
    ("1.2", "ceil"),
    ("-1.2", "floor"),
    ("2", "plural \"one\" \"many\""),
    ("list 1 2", "has 1"),
    ("list 1 2", "without 1"),
    ("list 1 2", "append 1"),
    ("list 1 2", "prepend 1"),
    ("list 1 2", "concat (list 1)"),
    ("0", "index (list 7 8)"),
    ("\"1.2.3-rc.1+b\"", "semver"),
    ("\"a=b&c=d\"", "urlParse"),
    ("\"x-{{ .Release.Name }}\"", "tpl \"{{ . }}\""),
    ("dict \"a\" (list 1 (dict \"b\" 1.5))", "toYaml"),
    ("dict \"a\" (dict \"b\" 1)", "dig \"a\" \"c\" \"none\""),
    ("list 1 2 3 4 5", "chunk 2"),
    ("\"1h30m\"", "durationRound"),
    ("\"a,b\"", "splitn \",\" 2"),
    ("list \"a\" 1", "toStrings"),
];

/// The names of the functions that the templates call.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    let calls = SATISFIED.iter().map(|(_, call)| *call).chain(OF_ANYTHING.iter().chain(OF_TEXT).copied());
    calls.map(name_of)
}

fn name_of(call: &'static str) -> &'static str {
    call.split(' ').next().unwrap_or(call)
}

fn expression(random: &mut Random, scope: &Scope<'_>, depth: usize) -> String {
    let inner = value(random, scope);
    if depth == 0 {
        return inner;
    }
    let note = |call: &'static str, random: &mut Random| {
        random.note(name_of(call));
        call
    };
    match random.below(40) {
        0 => format!("({} | toString | {})", inner, note(random.pick(OF_TEXT), random)),
        1 => format!("printf \"%v-%v\" {inner} ({})", expression(random, scope, depth - 1)),
        2 => format!("(index .Values \"{}\")", random.pick(&KEYS)),
        3 => format!("get .Values \"{}\"", random.pick(&KEYS)),
        4 if random.chance(12) => format!("{inner} | {}", note(random.pick(DEMANDING), random)),
        4 => {
            let (input, function) = random.pick(SATISFIED);
            format!("{input} | {}", note(function, random))
        }
        5..=20 => format!("{inner} | {}", note(random.pick(OF_ANYTHING), random)),
        _ => format!("{inner} | toString | {}", note(random.pick(OF_TEXT), random)),
    }
}

/// `_helpers.tpl`: the definitions that templates of any chart may include.
pub(super) fn helpers(random: &mut Random, scope: &Scope<'_>) -> String {
    let chart = scope.chart;
    format!(
        "{{{{- define \"{chart}.name\" -}}}}\n{{{{ default .Chart.Name {} | toString | trunc 20 | trimSuffix \"-\" }}}}\n{{{{- end \
         -}}}}\n\n{{{{/* labels */}}}}\n{{{{- define \"{chart}.labels\" }}}}\napp: {{{{ include \"{chart}.name\" . | quote }}}}\nfrom: \
         {{{{ .Template.Name | base }}}}\n{{{{- with {} }}}}\nextra: {{{{ toJson . | quote }}}}\n{{{{- end }}}}\n{{{{- end }}}}\n",
        value(random, scope),
        value(random, scope)
    )
}

/// Text that makes a template wrong.
pub(super) fn broken(random: &mut Random) -> &'static str {
    random.note("broken template");
    random.pick(&[
        "{{ .Values.a.b.c.d }}\n",
        "{{ if }}\n",
        "{{ end }}\n",
        "{{ range .Values }}\n",
        "{{ nosuch 1 }}\n",
        "{{ include \"nosuch\" . }}\n",
        "{{ .Values.name | nosuch }}\n",
        "{{ fail \"no\" }}\n",
        "{{ index .Values \"a\" \"b\" }}\n",
        "{{ required \"need it\" .Values.never }}\n",
        "a: {{ \"x: y: z\" }}\n",
        "a: b: c\n",
        "\ta: 1\n",
        "{{ .Release.Nope }}\n",
        "{{ .Chart.Nope }}\n",
        "{{ template \"nosuch\" }}\n",
        "{{ tpl \"{{ .x.y.z }}\" . }}\n",
        "{{ tpl \"{{\" . }}\n",
        "{{ \"unterminated }}\n",
        "{{ $x }}\n",
        "{{ add 1 \"x\" }}\n",
        "{{ gt 1 \"x\" }}\n",
        "{{ slice \"abc\" 5 }}\n",
        "{{ divf 1 0 }}\n",
        "{{ div 1 0 }}\n",
        "{{ mod 1 0 }}\n",
        "{{ fromJson 3 }}\n",
        "{{ regexReplaceAll \"(\" \"a\" \"b\" }}\n",
        "{{ break }}\n",
        "{{ define \"x\" }}\n",
        "{{ .Capabilities.KubeVersion.Nope }}\n",
        "{{ .Files.Nope }}\n",
        "- a\n- b\n",
        "apiVersion: v1\nkind: [a]\nmetadata: {name: x}\n",
        "apiVersion: v1\nkind: A\nmetadata: x\n",
        "{{ semver \"x\" }}\n",
        "{{ mustToDate \"2006\" \"x\" }}\n",
        "{{ dig \"a\" .Values }}\n",
        "{{ list 1 | first | upper }}\n",
    ])
}
