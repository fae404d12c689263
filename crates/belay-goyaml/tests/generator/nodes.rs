//! Makes texts full of comments, as people write them and as nobody does, and edits of them.

use super::{Features, Numbers, Question, change};
use serde_json::{Value, json};

/// The features, and in how many of a thousand questions they must occur.
pub(crate) const FEATURES: &[(&str, usize)] = &[
    ("head comment", 300),
    ("line comment", 300),
    ("comment and empty line", 150),
    ("empty line", 300),
    ("comment at an odd column", 150),
    ("comment over lines", 150),
    ("comment without a blank", 50),
    ("comment behind a key", 100),
    ("comment behind a dash", 50),
    ("comment in a flow collection", 50),
    ("comment at the start", 100),
    ("comment at the end", 100),
    ("comment behind a block scalar's mark", 20),
    ("far comment", 10),
    ("block mapping", 300),
    ("block sequence", 200),
    ("sequence in its key's column", 80),
    ("odd indentation", 100),
    ("item in the dash's line", 80),
    ("flow mapping", 80),
    ("flow sequence", 80),
    ("flow over lines", 50),
    ("empty collection", 20),
    ("empty value", 50),
    ("plain", 300),
    ("plain over lines", 20),
    ("single quoted", 80),
    ("double quoted", 80),
    ("literal", 50),
    ("folded", 50),
    ("anchor", 50),
    ("alias", 20),
    ("merge", 10),
    ("tag", 50),
    ("complex key", 20),
    ("long key", 10),
    ("long line", 30),
    ("beyond ASCII", 80),
    ("document marker", 50),
    ("several documents", 30),
    ("directive", 10),
    ("carriage returns", 20),
    ("tab", 20),
    ("broken", 200),
    ("edit", 200),
];

/// The question of a seed; its features are counted.
pub(crate) fn question(seed: u64, features: &mut Features) -> Question {
    let mut writer = Writer {
        numbers: Numbers::new(seed ^ 0x6e6f_6465),
        features,
        out: String::new(),
        anchors: 0,
        depth: 0,
        places: Vec::new(),
        path: Vec::new(),
    };
    writer.stream();
    let (mut text, places) = (writer.out, writer.places);
    let mut numbers = writer.numbers;
    if numbers.chance(4) {
        features.count("carriage returns");
        text = text.replace('\n', "\r\n");
    }
    if numbers.chance(25) {
        features.count("broken");
        for _ in 0..1 + numbers.below(2) {
            change(&mut numbers, &mut text);
        }
    }
    if !numbers.chance(30) {
        return Question { op: "node-round-trip", text };
    }
    features.count("edit");
    let edits: Vec<Value> = (0..1 + numbers.below(3)).map(|_| edit(&mut numbers, &places)).collect();
    Question { op: "node-edit", text: json!({ "text": text, "edits": edits }).to_string() }
}

/// A place that can be edited, and what stands there.
struct Place {
    path: Vec<Value>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Leaf,
    Sequence,
    Mapping,
}

fn edit(numbers: &mut Numbers, places: &[Place]) -> Value {
    let place = match places.len() {
        0 => &Place { path: Vec::new(), kind: Kind::Leaf },
        count => &places[numbers.below(count)],
    };
    let path = &place.path;
    let value = numbers.pick(&[
        "5",
        "true",
        "null",
        "",
        "text",
        "a: b",
        "# x",
        "two\nlines\n",
        "no",
        "1.5",
        "- x",
        " sp ",
        "é",
        "[",
        "2001-01-01",
        "*a",
        "'",
        "x #y",
        "\t",
        "a\n\nb",
        "0o7",
        "~",
        "a, b",
    ]);
    let tag = numbers.pick(&["", "", "!!str", "!!int", "!!bool", "!own"]);
    let node = numbers.pick(NODES);
    match (numbers.below(8), place.kind) {
        (0, _) => json!({ "path": path, "node": node }),
        (1..3, Kind::Sequence) => json!({ "path": path, "push": true, "value": value, "tag": tag }),
        (3..5, Kind::Sequence) | (1, Kind::Leaf) => json!({ "path": path, "push": true, "node": node }),
        (1..3, Kind::Mapping) => {
            json!({ "path": path, "key": numbers.pick(&["new", "5", "a b", "é"]), "value": value })
        }
        (3..5, Kind::Mapping) => json!({ "path": path, "key": "more", "node": node }),
        _ => json!({ "path": path, "value": value, "tag": tag }),
    }
}

const NODES: &[&str] = &[
    "# head\na: 1 # line\n# foot\n",
    "[a, b] # flow\n",
    "- 1\n- x: y\n  z: |\n    text\n",
    "{}\n",
    "'quoted' # c\n",
    "a:\n- b\n# end\n",
    "!t >-\n  folded\n  text\n",
];

const KEYS: &[&str] =
    &["a", "b", "name", "spec", "k8s", "x.y/z", "é", "1", "true", "\"q\"", "'s t'", "key with blanks", "~"];
const COMMENTS: &[&str] =
    &["# c", "# a comment", "#c", "#", "# é日", "## x", "# a: b", "# - x", "#\t", "# }", "# 'q"];
const PLAIN: &[&str] = &[
    "x",
    "5",
    "true",
    "null",
    "~",
    "1.5",
    "v1.2",
    "some words",
    "a:b",
    "http://x/y",
    "é",
    "日本",
    "-x",
    "x#y",
    "2001-01-01",
    "yes",
    "0x1F",
    "<<",
    "a 'b'",
    "\u{1F600}",
    "no\u{A0}break",
];

struct Writer<'f> {
    numbers: Numbers,
    features: &'f mut Features,
    out: String,
    anchors: usize,
    depth: usize,
    places: Vec<Place>,
    path: Vec<Value>,
}

impl Writer<'_> {
    fn stream(&mut self) {
        if self.numbers.chance(25) {
            self.features.count("comment at the start");
            self.comment_lines(0);
            self.maybe_empty_lines(40);
            if self.numbers.chance(30) {
                self.comment_lines(0);
            }
        }
        if self.numbers.chance(3) {
            self.features.count("directive");
            let directive = self.numbers.pick(&["%YAML 1.1", "%TAG !e! tag:e,2000:", "%YAML 1.1 # c"]);
            self.out.push_str(directive);
            self.out.push_str("\n---\n");
        } else if self.numbers.chance(12) {
            self.features.count("document marker");
            let marker = self.numbers.pick(&["---\n", "--- # c\n", "---\n# c\n", "---\n\n# c\n\n"]);
            self.out.push_str(marker);
        }
        self.document();
        if self.numbers.chance(25) {
            self.features.count("comment at the end");
            self.maybe_empty_lines(40);
            let column = self.numbers.below(4);
            self.comment_lines(column);
        }
        if self.numbers.chance(8) {
            self.features.count("several documents");
            let more = self.numbers.pick(&[
                "---\nb: 1 # c\n",
                "...\n# c\n",
                "--- x\n",
                "---\n",
                "# c\n---\n# d\na: 1\n",
            ]);
            self.out.push_str(more);
        }
        if self.numbers.chance(10) && self.out.ends_with('\n') {
            self.out.pop();
        }
    }

    fn document(&mut self) {
        match self.numbers.below(12) {
            0 => {
                self.properties();
                self.scalar(0);
                self.line_comment();
                self.out.push('\n');
            }
            1 => {
                self.flow(0);
                self.line_comment();
                self.out.push('\n');
            }
            2..5 => self.sequence(0),
            _ => self.mapping(0),
        }
    }

    // ---- comments ----

    fn comment(&mut self) -> &'static str {
        let comment = self.numbers.pick(COMMENTS);
        // They are all constants.
        COMMENTS.iter().find(|known| **known == comment).copied().unwrap_or("#")
    }

    fn comment_lines(&mut self, column: usize) {
        let count = 1 + self.numbers.below(3);
        if count > 1 {
            self.features.count("comment over lines");
        }
        for _ in 0..count {
            self.out.push_str(&" ".repeat(column));
            let comment = self.comment();
            self.out.push_str(comment);
            self.out.push('\n');
        }
    }

    fn line_comment(&mut self) {
        if self.numbers.chance(22) {
            self.features.count("line comment");
            if self.numbers.chance(10) {
                self.features.count("comment without a blank");
            } else {
                let blank = self.numbers.pick(&[" ", "  ", " ", "   "]);
                self.out.push_str(blank);
            }
            let comment = self.comment();
            self.out.push_str(comment);
        }
    }

    fn maybe_empty_lines(&mut self, percent: usize) -> bool {
        let chosen = self.numbers.chance(percent);
        if chosen {
            self.features.count("empty line");
            let lines = self.numbers.pick(&["\n", "\n", "\n\n", "  \n", "\n\n\n"]);
            self.out.push_str(lines);
        }
        chosen
    }

    /// What may stand between two lines of a block at `indent`.
    fn between(&mut self, indent: usize) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.maybe_empty_lines(10);
        if self.numbers.chance(18) {
            self.features.count("head comment");
            let column = if self.numbers.chance(25) {
                self.features.count("comment at an odd column");
                self.numbers.below(indent + 4)
            } else {
                indent
            };
            self.comment_lines(column);
            if self.maybe_empty_lines(30) {
                self.features.count("comment and empty line");
                if self.numbers.chance(30) {
                    self.comment_lines(indent);
                }
            }
        }
        if self.numbers.below(400) == 0 {
            self.features.count("far comment");
            self.out.push_str(&" \n".repeat(250 + self.numbers.below(20)));
            self.comment_lines(indent);
        }
    }

    // ---- blocks ----

    fn properties(&mut self) {
        if self.numbers.chance(5) {
            self.features.count("anchor");
            self.anchors += 1;
            let anchor = format!("&n{} ", self.anchors);
            self.out.push_str(&anchor);
        }
        if self.numbers.chance(5) {
            self.features.count("tag");
            let tag = self.numbers.pick(&[
                "!!str ",
                "!!int ",
                "!own ",
                "! ",
                "!<tag:x,1:y> ",
                "!!map ",
                "!!binary ",
                "!a%20b ",
                "!<tag:yaml.org,2002:bool> ",
            ]);
            self.out.push_str(tag);
        }
    }

    fn deeper(&mut self, indent: usize) -> usize {
        if self.numbers.chance(25) {
            self.features.count("odd indentation");
            return indent + 1 + self.numbers.below(5);
        }
        indent + 2
    }

    fn mapping(&mut self, indent: usize) {
        self.depth += 1;
        self.features.count("block mapping");
        for number in 0..1 + self.numbers.below(4) {
            if number > 0 || self.out.ends_with('\n') || self.out.is_empty() {
                self.between(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            let key = self.key(indent);
            self.path.push(key.into());
            let kind = self.value(indent, true);
            self.places.push(Place { path: self.path.clone(), kind });
            self.path.pop();
        }
        self.depth -= 1;
    }

    /// Writes a key up to its colon, and returns its text.
    fn key(&mut self, indent: usize) -> String {
        if self.anchors > 0 && self.numbers.chance(3) {
            self.features.count("merge");
            self.out.push_str("<<:");
            return "<<".to_owned();
        }
        if self.numbers.chance(3) {
            self.features.count("complex key");
            self.out.push_str("? ");
            self.flow(indent + 2);
            self.line_comment();
            self.out.push('\n');
            if self.numbers.chance(20) {
                self.comment_lines(indent);
            }
            self.out.push_str(&" ".repeat(indent));
            self.out.push(':');
            return "complex".to_owned();
        }
        if self.numbers.chance(1) {
            self.features.count("long key");
            let key = "k".repeat(120 + self.numbers.below(20));
            self.out.push_str(&key);
            self.out.push(':');
            return key;
        }
        self.properties();
        let key = self.numbers.pick(KEYS).to_owned();
        self.out.push_str(&key);
        let colon = self.numbers.pick(&[":", ":", ":", " :"]);
        self.out.push_str(colon);
        key.trim_matches(['"', '\'']).to_owned()
    }

    fn sequence(&mut self, indent: usize) {
        self.depth += 1;
        self.features.count("block sequence");
        for number in 0..1 + self.numbers.below(4) {
            if number > 0 || self.out.ends_with('\n') || self.out.is_empty() {
                self.between(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push('-');
            self.path.push(number.into());
            let kind = self.value(indent, false);
            self.places.push(Place { path: self.path.clone(), kind });
            self.path.pop();
        }
        self.depth -= 1;
    }

    /// What stands behind a colon or dash.
    fn value(&mut self, indent: usize, of_key: bool) -> Kind {
        let leaf = self.depth > 4;
        let mut kind = Kind::Leaf;
        match self.numbers.below(if leaf { 6 } else { 11 }) {
            0 => {
                self.features.count("empty value");
                self.line_comment();
            }
            1 if self.anchors > 0 => {
                self.features.count("alias");
                let alias = format!(" *n{}", 1 + self.numbers.below(self.anchors));
                self.out.push_str(&alias);
                self.line_comment();
            }
            2 => {
                self.out.push(' ');
                self.properties();
                let deeper = self.deeper(indent);
                kind = self.flow(deeper);
                self.line_comment();
            }
            1..6 => {
                // Behind a dash it is refused.
                if of_key && self.numbers.chance(5) {
                    self.features.count("tab");
                    self.out.push('\t');
                } else {
                    let blank = self.numbers.pick(&[" ", " ", " ", "  "]);
                    self.out.push_str(blank);
                }
                self.properties();
                let deeper = self.deeper(indent);
                self.scalar(deeper);
                if !self.out.ends_with('\n') {
                    self.line_comment();
                }
            }
            _ => kind = self.block(indent, of_key),
        }
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        kind
    }

    fn block(&mut self, indent: usize, of_key: bool) -> Kind {
        let is_sequence = self.numbers.chance(45);
        let kind = if is_sequence { Kind::Sequence } else { Kind::Mapping };
        if !of_key && self.numbers.chance(50) {
            self.features.count("item in the dash's line");
            self.out.push(' ');
            let deeper = indent + 2;
            if is_sequence {
                self.sequence(deeper)
            } else {
                self.mapping(deeper)
            }
            return kind;
        }
        if self.numbers.chance(8) {
            self.out.push(' ');
            self.properties();
        }
        if self.numbers.chance(25) {
            self.features.count(if of_key { "comment behind a key" } else { "comment behind a dash" });
            self.out.push(' ');
            let comment = self.comment();
            self.out.push_str(comment);
        }
        self.out.push('\n');
        let mut deeper = self.deeper(indent);
        if is_sequence && of_key && self.numbers.chance(40) {
            self.features.count("sequence in its key's column");
            deeper = indent;
        }
        if is_sequence {
            self.sequence(deeper)
        } else {
            self.mapping(deeper)
        }
        kind
    }

    // ---- flow ----

    fn flow(&mut self, indent: usize) -> Kind {
        self.depth += 1;
        let lines = self.numbers.chance(35);
        if lines {
            self.features.count("flow over lines");
        }
        let is_mapping = self.numbers.chance(50);
        self.features.count(if is_mapping { "flow mapping" } else { "flow sequence" });
        self.out.push(if is_mapping { '{' } else { '[' });
        let count = self.numbers.below(4);
        if count == 0 {
            self.features.count("empty collection");
        }
        for index in 0..count {
            self.flow_break(indent, lines);
            if is_mapping {
                let key = self.numbers.pick(KEYS);
                self.out.push_str(key);
                let colon = self.numbers.pick(&[": ", ": ", " : ", ""]);
                self.out.push_str(colon);
                if colon.is_empty() {
                    self.flow_comma(index + 1 < count, lines);
                    continue;
                }
            } else if self.numbers.chance(6) {
                self.out.push_str("a: ");
            }
            self.flow_value(indent);
            self.flow_comma(index + 1 < count, lines);
        }
        self.flow_break(indent, lines);
        self.out.push(if is_mapping { '}' } else { ']' });
        self.depth -= 1;
        if is_mapping { Kind::Mapping } else { Kind::Sequence }
    }

    fn flow_comma(&mut self, has_next: bool, lines: bool) {
        if has_next || self.numbers.chance(15) {
            let comma = self.numbers.pick(&[", ", ",", " ,"]);
            self.out.push_str(comma);
        }
        if lines && self.numbers.chance(20) {
            self.features.count("comment in a flow collection");
            self.out.push(' ');
            let comment = self.comment();
            self.out.push_str(comment);
            self.out.push('\n');
        }
    }

    fn flow_break(&mut self, indent: usize, lines: bool) {
        if !lines {
            if self.out.ends_with('\n') {
                self.out.push_str(&" ".repeat(indent + 1));
            }
            return;
        }
        if self.numbers.chance(70) {
            if !self.out.ends_with('\n') {
                self.out.push('\n');
            }
            self.maybe_empty_lines(8);
            if self.numbers.chance(15) {
                self.features.count("comment in a flow collection");
                self.comment_lines(indent + 1);
                self.maybe_empty_lines(20);
            }
        }
        if self.out.ends_with('\n') {
            self.out.push_str(&" ".repeat(indent + 1));
        }
    }

    fn flow_value(&mut self, indent: usize) {
        match self.numbers.below(if self.depth > 4 { 3 } else { 5 }) {
            0 => self.quoted(),
            1 | 2 => {
                self.features.count("plain");
                let text = self.numbers.pick(PLAIN);
                self.out.push_str(text);
            }
            _ => drop(self.flow(indent + 2)),
        }
    }

    // ---- scalars ----

    fn scalar(&mut self, indent: usize) {
        match self.numbers.below(12) {
            0..6 => {
                self.features.count("plain");
                let text = self.numbers.pick(PLAIN);
                if !text.is_ascii() {
                    self.features.count("beyond ASCII");
                }
                self.out.push_str(text);
                if self.numbers.chance(6) {
                    self.features.count("plain over lines");
                    let gap = self.numbers.pick(&["\n", "\n\n"]);
                    self.out.push_str(gap);
                    self.out.push_str(&" ".repeat(indent + 1));
                    self.out.push_str("more text");
                }
                if self.numbers.chance(8) {
                    self.features.count("long line");
                    let words = " word".repeat(20 + self.numbers.below(20));
                    self.out.push_str(&words);
                }
            }
            6..9 => self.quoted(),
            _ => self.block_scalar(indent),
        }
    }

    fn quoted(&mut self) {
        if self.numbers.chance(50) {
            self.features.count("single quoted");
            let text = self.numbers.pick(&[
                "'it''s'",
                "''",
                "'a: b'",
                "'5'",
                "' x '",
                "'x\n\n   y'",
                "'# no'",
                "'é'",
            ]);
            self.out.push_str(text);
        } else {
            self.features.count("double quoted");
            let text = self.numbers.pick(&[
                "\"\"",
                "\"a\\tb\"",
                "\"x\\ny\"",
                "\"\\u00e9\\U0001F600\"",
                "\"5\"",
                "\"a \\\n   b\"",
                "\"\\e\\0\"",
                "\"# no\"",
                "\"\\\\ \\\"\"",
                "\"l\\Lp\"",
            ]);
            self.out.push_str(text);
        }
    }

    fn block_scalar(&mut self, indent: usize) {
        let literal = self.numbers.chance(50);
        self.features.count(if literal { "literal" } else { "folded" });
        self.out.push(if literal { '|' } else { '>' });
        let hint = self.numbers.pick(&["", "", "-", "+", "", "1", "2-"]);
        self.out.push_str(hint);
        if self.numbers.chance(15) {
            self.features.count("comment behind a block scalar's mark");
            self.out.push_str(" # c");
        }
        self.out.push('\n');
        for _ in 0..self.numbers.below(5) {
            let line = self.numbers.pick(&[
                "text",
                "two words",
                "  more",
                "",
                "- x",
                "a: b",
                "# no comment",
                "tabs\tt",
                "end ",
                "é",
            ]);
            if !line.is_empty() {
                self.out.push_str(&" ".repeat(indent + 1));
            }
            self.out.push_str(line);
            self.out.push('\n');
        }
    }
}
