//! Random expressions, and values in which they find something.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// What every thousand expressions should have some of.
pub(super) const FEATURES: &[&str] = &[
    "a, b",
    "a // b",
    "a | b",
    "arithmetic",
    "as",
    "capture",
    "compare",
    "def",
    "each",
    "first",
    "foreach",
    "format",
    "getpath",
    "gsub",
    "has",
    "if",
    "index",
    "limit",
    "list",
    "logic",
    "map",
    "match",
    "negative",
    "not",
    "object",
    "paths",
    "recurse",
    "reduce",
    "scan",
    "select",
    "slice",
    "split",
    "sub",
    "template",
    "test",
    "try",
    "types",
    "typo",
];

/// An expression and what it is about.
pub(super) struct Case {
    pub(super) expression: String,
    pub(super) value: Value,
    pub(super) features: Vec<&'static str>,
}

/// The case of a seed.
pub(super) fn case(seed: u64) -> Case {
    let mut maker = Maker { random: Random::of(seed) };
    let value = maker.object(3, 3);
    let mut expression = maker.path(3);
    if maker.random.chance(17) {
        expression = maker.with_typo(&expression);
    }
    Case { expression, value, features: maker.random.features.into_keys().collect() }
}

const NAMES: [&str; 8] = ["a", "b", "c", "n", "t", "l", "m", "x-y"];

/// Texts among which every expression finds some.
const TEXTS: [&str; 10] = ["", "web", "a-b", "xaab", "istio-proxy", "1.2", "ñb", "aGk=", "[1]", "{\"k\":1}"];

const LITERALS: [&str; 14] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "-1",
    "\"web\"",
    "\"a\"",
    "\"\"",
    "\"xaab\"",
    "[]",
    "[1]",
    "{\"a\":1}",
];

/// What makes something of its input, by feature.
const MADE: &[(&str, &str)] = &[
    ("other", "length"),
    ("other", "keys"),
    ("other", "tostring"),
    ("other", "tojson"),
    ("other", "type"),
    ("not", "not"),
    ("other", "add"),
    ("list", "reverse"),
    ("list", "sort"),
    ("list", "unique"),
    ("list", "flatten"),
    ("other", "floor"),
    ("other", "ceil"),
    ("other", "round"),
    ("other", "abs"),
    ("other", "ascii_downcase"),
    ("other", "ascii_upcase"),
    ("object", "to_entries"),
    ("object", "from_entries"),
    ("list", "min"),
    ("list", "max"),
    ("first", "first"),
    ("first", "last"),
    ("first", "last(.[]?)"),
    ("other", "tonumber"),
    ("other", "trim"),
    ("other", "ltrim"),
    ("other", "rtrim"),
    ("other", "fromjson"),
    ("format", "@base64"),
    ("format", "@base64d"),
    ("format", "@json"),
    ("format", "@text"),
    ("format", "@csv"),
    ("format", "@tsv"),
    ("format", "@sh"),
    ("format", "@html"),
    ("format", "@uri"),
    ("format", "@urid"),
    ("format", "@base64 \"x\\(.)\""),
    ("template", "\"\\(.)-\\(1,2)\""),
    ("list", "any"),
    ("list", "all"),
    ("list", "sort_by(.)"),
    ("list", "sort_by(length?)"),
    ("list", "group_by(type)"),
    ("list", "unique_by(type)"),
    ("list", "min_by(.)"),
    ("list", "max_by(type)"),
    ("object", "with_entries(.)"),
    ("object", "with_entries(select(.value != null))"),
    ("paths", "[paths]"),
    ("each", "[.[]?]"),
    ("recurse", "[..]"),
    ("list", "join(\"-\")"),
    ("other", "ltrimstr(\"a\")"),
    ("other", "rtrimstr(\"b\")"),
    ("index", "index(\"a\")"),
    ("index", "rindex(\"a\")"),
    ("index", "indices(1)"),
    ("index", "indices(\"a\")"),
    ("index", "index(1)"),
    ("limit", "[limit(2; .[]?)]"),
    ("list", "[range(3)]"),
    ("list", "flatten(1)"),
    ("first", "nth(0)"),
    ("slice", ".[1:]"),
    ("slice", ".[:-1]"),
    ("paths", "[path(..)]"),
    ("other", "tojson | fromjson"),
    ("paths", "path(.a)"),
    ("has", "in({\"a\": 1})"),
    ("other", "inside([1, \"web\"])"),
];

/// What makes something of texts, and of lists of them.
const OF_TEXTS: &[(&str, &str)] = &[
    ("map", "map(.)"),
    ("map", "map(.[0]?)"),
    ("map", "map_values(.)"),
    ("map", "map_values(empty)"),
    ("split", "split(\"a\")"),
    ("split", "split(\"[ab]\"; null)"),
    ("split", "[splits(\"a\")]"),
    ("sub", "sub(\"a\"; \"z\")"),
    ("sub", "[sub(\"a\"; \"y\", \"z\")]"),
    ("gsub", "gsub(\"a\"; \"z\")"),
    ("gsub", "gsub(\"(?<x>.)\"; \"<\\(.x)>\")"),
    ("gsub", "gsub(\"\"; \"-\")"),
    ("scan", "[scan(\"a.\")]"),
    ("scan", "[scan(\"(a)(.)\")]"),
    ("match", "[match(\"a\"; \"g\").offset]"),
    ("match", "[match(\"(a)(z)?\")]"),
    ("match", "[match(\"A|b\"; \"gi\") | .length]"),
    ("capture", "capture(\"(?<x>[a-z]+)\") | .x"),
    ("capture", "[capture(\"(?<x>b)\"; \"g\")]"),
    ("capture", "capture(\"(?<x>a+)(?<y>b)?\")"),
];

const TYPES: [&str; 6] = ["string", "number", "null", "array", "object", "boolean"];

struct Maker {
    random: Random,
}

impl Maker {
    fn object(&mut self, least: usize, depth: usize) -> Value {
        let mut fields = Map::new();
        let count = least + self.random.below(6);
        for _ in 0..count {
            fields.insert(self.random.pick(&NAMES).to_owned(), self.value(depth));
        }
        Value::Object(fields)
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.random.below(100) {
            0..35 => self.scalar(),
            35..65 if depth > 0 => {
                let count = self.random.below(4);
                (0..count).map(|_| self.value(depth - 1)).collect()
            }
            65..100 if depth > 0 => self.object(0, depth - 1),
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Value {
        match self.random.below(17) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(false),
            3..7 => json!(self.random.below(4)),
            7 => json!(-1.5),
            _ => json!(self.random.pick(&TEXTS)),
        }
    }

    fn note(&mut self, feature: &'static str, text: String) -> String {
        self.random.note(feature);
        text
    }

    fn field(&mut self) -> String {
        let name = self.random.pick(&NAMES);
        match self.random.below(4) {
            0 => format!(".[\"{name}\"]"),
            1 => format!(".\"{name}\""),
            _ if name.contains('-') => format!(".\"{name}\""),
            _ => format!(".{name}"),
        }
    }

    fn literal(&mut self) -> String {
        self.random.pick(&LITERALS).to_owned()
    }

    /// What names parts.
    fn path(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.chance(25) {
            return self.place();
        }
        let below = depth - 1;
        match self.random.below(26) {
            0 | 1 => {
                let text = format!("{} | {}", self.path(below), self.path(below));
                self.note("a | b", text)
            }
            2 => {
                let text = format!("{}, {}", self.path(below), self.path(below));
                self.note("a, b", text)
            }
            3..6 => {
                let text = format!("{} | select({})", self.path(below), self.condition(below));
                self.note("select", text)
            }
            6 => {
                let text = format!("({}) // ({})", self.path(below), self.path(below));
                self.note("a // b", text)
            }
            7 | 8 => {
                let (condition, then, otherwise) =
                    (self.condition(below), self.path(below), self.path(below));
                let text = match self.random.below(3) {
                    0 => format!("if {condition} then {then} end"),
                    1 => format!("if {condition} then {then} else {otherwise} end"),
                    _ => format!("if {condition} then {then} elif {condition} then . else {otherwise} end"),
                };
                self.note("if", text)
            }
            9 => {
                let text = format!("first({})", self.path(below));
                self.note("first", text)
            }
            10 => {
                let text = format!("limit({}; {})", self.random.below(3), self.path(below));
                self.note("limit", text)
            }
            11 => {
                let path = self.random.pick(&["[\"a\"]", "[\"l\", 0]", "[\"m\", \"a\"]", "[]"]);
                self.note("getpath", format!("getpath({path})"))
            }
            12 | 13 => {
                let body = self.path(below);
                let text = match self.random.below(3) {
                    0 => format!("try ({body})"),
                    1 => format!("({body})?"),
                    _ => format!("try ({body}) catch empty"),
                };
                self.note("try", text)
            }
            14 => {
                let which = self.random.pick(&["recurse", "recurse(.[]?)", "..", "recurse(.[]? | arrays)"]);
                self.note("recurse", which.to_owned())
            }
            15 => {
                let (value, place) = (self.made(below), self.path(below));
                self.note("as", format!("({value}) as $v | {place} | select(. == $v)"))
            }
            16 => {
                let kinds = [
                    "strings",
                    "numbers",
                    "arrays",
                    "objects",
                    "nulls",
                    "booleans",
                    "scalars",
                    "iterables",
                    "values",
                ];
                let text = format!("({}) | {}", self.path(below), self.random.pick(&kinds));
                self.note("types", text)
            }
            17 => {
                let text = format!("paths({}) as $p | getpath($p)", self.condition(below));
                self.note("paths", text)
            }
            18 => {
                let text =
                    format!("def f($x): {} | select(. != $x); f({})", self.path(below), self.made(below));
                self.note("def", text)
            }
            19 => {
                let text = format!("def f(g): {} | g; f({})", self.path(below), self.path(below));
                self.note("def", text)
            }
            20 => {
                let text = format!("nth({}; {})", self.random.below(3), self.path(below));
                self.note("first", text)
            }
            21 => {
                let text = format!(".[{}]?", self.made(below));
                self.note("index", text)
            }
            22 => {
                let text = format!("{} as $i | select($i)", self.term(below));
                self.note("as", text)
            }
            23 => {
                let text = format!("reduce empty as $i ({}; .a)", self.path(below));
                self.note("reduce", text)
            }
            24 => format!("({})", self.path(below)),
            _ => "empty".to_owned(),
        }
    }

    fn term(&mut self, depth: usize) -> String {
        format!("({})", self.path(depth))
    }

    /// A place that is written down.
    fn place(&mut self) -> String {
        let field = self.field();
        match self.random.below(11) {
            0..3 => field,
            3 => format!("{field}?"),
            4 => ".".to_owned(),
            5 => self.note("each", ".[]?".to_owned()),
            6 => self.note("each", format!("{field}[]?")),
            7 => {
                let place = self.random.pick(&["0", "1", "-1", "9"]);
                self.note("index", format!("{field}[{place}]?"))
            }
            8 => {
                let bounds = self.random.pick(&["1:", ":1", "0:2", "-1:", ":-1"]);
                self.note("slice", format!("{field}[{bounds}]?"))
            }
            9 => format!("{field}{}", self.field()),
            _ => format!("{field}?{}?", self.field()),
        }
    }

    /// What is true or false.
    fn condition(&mut self, depth: usize) -> String {
        let compared = ["==", "!=", "<", "<=", ">", ">="];
        if depth == 0 || self.random.chance(25) {
            let text = format!("{} {} {}", self.made(0), self.random.pick(&compared), self.made(0));
            return self.note("compare", text);
        }
        let below = depth - 1;
        match self.random.below(17) {
            14.. => {
                let (feature, function) = self.random.pick(OF_TEXTS);
                let text = self.random.pick(&TEXTS);
                let of = match self.random.below(3) {
                    0 => format!("{text:?}"),
                    1 => format!("{}?", self.field()),
                    _ => format!("({text:?}, {})", self.field()),
                };
                let text = format!("(({of} | {function})?) < {}", self.literal());
                self.note(feature, text)
            }
            0 | 1 => {
                let sign = self.random.pick(&["and", "or"]);
                let text = format!("({}) {sign} ({})", self.condition(below), self.condition(below));
                self.note("logic", text)
            }
            2 => {
                let text = format!("({} | not)", self.condition(below));
                self.note("not", text)
            }
            3 | 4 => {
                let pattern = self.random.pick(&[
                    "\"a\"",
                    "\"^w\"",
                    "\"A\"; \"i\"",
                    "\"[0-9]\"",
                    "\"^\" + \"a\"",
                    "\"a.b\"; \"gm\"",
                ]);
                let text = format!("({} | test({pattern})?)", self.made(below));
                self.note("test", text)
            }
            5 => {
                let text = format!("({} | has({})?)", self.term(below), self.random.pick(&["\"a\"", "0"]));
                self.note("has", text)
            }
            6 => {
                let text = format!("({} | type) == \"{}\"", self.made(below), self.random.pick(&TYPES));
                self.note("types", text)
            }
            7 => format!("isempty({})", self.path(below)),
            8 => format!("({} | any(. == {}))?", self.made(below), self.literal()),
            9 => format!("any({}; . == {})", self.path(below), self.literal()),
            10 => format!("all({}; . != {})", self.path(below), self.literal()),
            11 => {
                let which = self.random.pick(&["contains", "inside", "startswith", "endswith"]);
                format!("({} | {which}({}))?", self.made(below), self.literal())
            }
            12 => format!("({} | IN({}, {}))", self.made(below), self.literal(), self.literal()),
            _ => format!("({} | length?) != null", self.made(below)),
        }
    }

    /// What is no part of the value, or may be none.
    fn made(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.chance(20) {
            return match self.random.below(4) {
                0 => self.literal(),
                1 => format!("{}?", self.field()),
                2 => format!("{}[0]?", self.field()),
                _ => ".".to_owned(),
            };
        }
        let below = depth - 1;
        match self.random.below(20) {
            0..9 => {
                let list = if self.random.chance(25) { OF_TEXTS } else { MADE };
                let (feature, function) = self.random.pick(list);
                let tries = if self.random.chance(80) { "?" } else { "" };
                let text = format!("(({} | {function}){tries})", self.made(below));
                self.note(feature, text)
            }
            9 => {
                let sign = self.random.pick(&["+", "-", "*", "/", "%"]);
                let text = format!("((({}) {sign} ({}))?)", self.made(below), self.made(below));
                self.note("arithmetic", text)
            }
            10 => {
                let text = format!("[{}]", self.made(below));
                self.note("list", text)
            }
            11 => {
                let (one, other) = (self.made(below), self.literal());
                let text = match self.random.below(3) {
                    0 => format!("{{a: ({one})}}"),
                    1 => format!("{{(({one}) | tostring): {other}}}"),
                    _ => format!("{{a: {other}, \"b\": ({one}), \"c\\({other})\": 1}}"),
                };
                self.note("object", text)
            }
            12 => {
                let text = format!("-({})", self.made(below));
                self.note("negative", text)
            }
            13 => {
                let text = format!("\"s\\({})\"", self.made(below));
                self.note("template", text)
            }
            14 => {
                let text = format!(
                    "(if {} then {} else {} end)",
                    self.condition(below),
                    self.made(below),
                    self.made(below)
                );
                self.note("if", text)
            }
            15 => {
                let text = format!("({} // {})", self.made(below), self.made(below));
                self.note("a // b", text)
            }
            16 => {
                let text = format!("(try ({}) catch 1)", self.made(below));
                self.note("try", text)
            }
            17 => {
                let text = format!("(reduce {} as $i (0; . + 1))", self.term(below));
                self.note("reduce", text)
            }
            18 => {
                let text = format!("[foreach {} as $i (0; . + 1; [$i, .])]", self.term(below));
                self.note("foreach", text)
            }
            _ => self.term(below),
        }
    }

    /// A letter too few or too many.
    fn with_typo(&mut self, expression: &str) -> String {
        self.random.note("typo");
        let mut letters: Vec<char> = expression.chars().collect();
        let place = self.random.below(letters.len());
        if self.random.chance(50) {
            letters.remove(place);
        } else {
            letters.insert(
                place,
                self.random
                    .pick(&['.', '(', ')', '"', '|', '[', ']', '?', ',', '$', '@', '-', '1', 'a', ' ', '\\']),
            );
        }
        letters.into_iter().collect()
    }
}
