//! Makes YAML documents and values by the numbers of a seed, and breaks some of them.

pub(crate) mod nodes;

use std::collections::BTreeMap;

/// A question for both libraries.
pub(crate) struct Question {
    pub(crate) op: &'static str,
    pub(crate) text: String,
}

/// Numbers from a seed.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5678_1234)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// How often each feature occurred.
#[derive(Default)]
pub(crate) struct Features(pub(crate) BTreeMap<&'static str, usize>);

/// The features, and in how many of a thousand questions they must occur.
const FEATURES: &[(&str, usize)] = &[
    ("block mapping", 200),
    ("block sequence", 100),
    ("flow mapping", 50),
    ("flow sequence", 50),
    ("plain", 200),
    ("plain over lines", 20),
    ("single quoted", 50),
    ("double quoted", 50),
    ("literal", 30),
    ("folded", 30),
    ("number", 80),
    ("word with a meaning", 80),
    ("timestamp", 10),
    ("comment", 50),
    ("anchor", 20),
    ("alias", 20),
    ("merge", 10),
    ("tag", 20),
    ("directive", 3),
    ("document marker", 30),
    ("complex key", 5),
    ("duplicate key", 10),
    ("empty value", 20),
    ("broken", 150),
    ("value", 150),
    ("long text", 20),
    ("special characters", 50),
];

impl Features {
    pub(crate) fn count(&mut self, feature: &'static str) {
        *self.0.entry(feature).or_default() += 1;
    }

    /// The features that occurred less often than so many questions should show.
    pub(crate) fn rare(&self, questions: usize) -> Vec<String> {
        self.rare_among(FEATURES, questions)
    }

    pub(crate) fn rare_among(&self, features: &[(&str, usize)], questions: usize) -> Vec<String> {
        let found = |name: &str| self.0.get(name).copied().unwrap_or(0);
        let rare = features.iter().filter(|(name, share)| found(name) < questions * share / 1000);
        rare.map(|(name, share)| format!("{name}: {} of at least {}", found(name), questions * share / 1000))
            .collect()
    }
}

/// The question of a seed; its features are counted.
pub(crate) fn question(seed: u64, features: &mut Features) -> Question {
    let mut generator = Generator { numbers: Numbers::new(seed), features, anchors: 0, depth: 0 };
    if generator.numbers.chance(30) {
        generator.features.count("value");
        let op = generator.numbers.below(5);
        let value = generator.value();
        let op = ["yaml", "yaml-v3-2", "yaml-v3-4", "gojson", "gojson-raw"][op];
        return Question { op, text: value.to_string() };
    }
    let mut text = generator.stream();
    if generator.numbers.chance(25) {
        generator.features.count("broken");
        for _ in 0..1 + generator.numbers.below(2) {
            change(&mut generator.numbers, &mut text);
        }
    }
    let op = ["json", "json-strict", "json-v3"][generator.numbers.below(3)];
    Question { op, text }
}

const WORDS: &[&str] = &[
    "yes", "no", "on", "Off", "true", "False", "null", "~", "y", "N", "TRUE", "Null", ".inf", "-.Inf",
    ".NaN", "<<", "=", "NO",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-7",
    "010",
    "0o17",
    "0x1F",
    "0b101",
    "1_000",
    "+12",
    "1e3",
    "1.5",
    ".5",
    "-0.0",
    "1e400",
    "12e03",
    "190:20:30",
    "1.",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "0.1e-7",
    "1e21",
    "-1e-9",
    "0x",
    "0o8",
    "1__0",
    "4_",
    "685_230.15",
    "3.14159265358979",
];
const TIMESTAMPS: &[&str] = &[
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "2001-1-1",
    "2001-12-14 21:59:43",
    "2001-02-30",
    "12:30:45",
];
const PLAIN: &[&str] = &[
    "a",
    "web",
    "some words here",
    "a:b",
    "http://x/y?z=1",
    "x#y",
    "-a",
    "?b",
    "a'b",
    "a\"b",
    "é€",
    "日本",
    "a - b",
    "a, b",
    "v1.2.3",
    "100m",
    "a]b",
    "key with  spaces",
    "/path/to",
    "@at",
    "%p",
    "a{b}",
    "!x",
    "&y z",
    "*",
    "- ",
    "x: ",
    "`t",
    "\u{1F600}",
];
const KEYS: &[&str] = &[
    "a", "b", "c", "name", "key-1", "key10", "key2", "é", "x.y/z", "A", "\"q\"", "'s'", "true", "1", "spec",
    "metadata",
];
const BREAKS: &[&str] = &[
    "\t",
    "\n",
    "  ",
    ":",
    "- ",
    "? ",
    "#",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!!int ",
    "|",
    ">",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\\",
    "\u{0}",
    "\u{7}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\r",
    "\r\n",
    " :",
    ": ",
    "<<: ",
    "*z",
    "!<x> ",
    "@",
    "`",
];

struct Generator<'f> {
    numbers: Numbers,
    features: &'f mut Features,
    anchors: usize,
    depth: usize,
}

impl Generator<'_> {
    fn stream(&mut self) -> String {
        let mut out = String::new();
        if self.numbers.chance(2) {
            self.features.count("directive");
            out.push_str(self.numbers.pick(&[
                "%YAML 1.1\n---\n",
                "%TAG !e! tag:e,2000:\n---\n",
                "%YAML 1.2\n---\n",
                "%FOO bar\n---\n",
            ]));
        } else if self.numbers.chance(10) {
            self.features.count("document marker");
            out.push_str(self.numbers.pick(&["---\n", "--- ", "---\n---\n", "...\n", "--- # c\n"]));
        }
        self.block(0, &mut out);
        if !out.ends_with('\n') && self.numbers.chance(90) {
            out.push('\n');
        }
        if self.numbers.chance(6) {
            self.features.count("document marker");
            out.push_str(self.numbers.pick(&["---\n", "...\n", "--- x\n", "...\n# c\n", "---\na: 1\n"]));
        }
        out
    }

    fn properties(&mut self) -> String {
        let mut out = String::new();
        if self.numbers.chance(5) {
            self.features.count("anchor");
            self.anchors += 1;
            out.push_str(&format!("&n{} ", self.anchors));
        }
        if self.numbers.chance(4) {
            self.features.count("tag");
            out.push_str(self.numbers.pick(&[
                "!!str ",
                "!!int ",
                "!!float ",
                "!!bool ",
                "!!null ",
                "!x ",
                "!!map ",
                "!!seq ",
                "!!binary ",
                "! ",
                "!!timestamp ",
                "!<tag:yaml.org,2002:str> ",
            ]));
        }
        out
    }

    /// A node on lines of its own or at the end of one.
    fn block(&mut self, indent: usize, out: &mut String) {
        self.depth += 1;
        match self.numbers.below(if self.depth > 4 { 3 } else { 10 }) {
            0..3 => {
                out.push_str(&self.properties());
                self.scalar(indent, out);
                out.push('\n');
            }
            3..7 => self.mapping(indent, out),
            _ => self.sequence(indent, out),
        }
        self.depth -= 1;
    }

    fn start_line(&mut self, indent: usize, out: &mut String) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if self.numbers.chance(6) {
            self.features.count("comment");
            out.push_str(&" ".repeat(self.numbers.below(4)));
            out.push_str("# note\n");
        }
        out.push_str(&" ".repeat(indent));
    }

    fn mapping(&mut self, indent: usize, out: &mut String) {
        self.features.count("block mapping");
        let properties = self.properties();
        out.push_str(properties.trim_end());
        for number in 0..1 + self.numbers.below(4) {
            self.start_line(indent, out);
            if self.numbers.chance(2) {
                self.features.count("complex key");
                out.push_str("? ");
                self.flow(out);
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                out.push_str(": ");
            } else if self.anchors > 0 && self.numbers.chance(8) {
                self.features.count("merge");
                let anchor = 1 + self.numbers.below(self.anchors);
                out.push_str(&format!("<<: *n{anchor}\n"));
                continue;
            } else {
                if number > 0 && self.numbers.chance(4) {
                    self.features.count("duplicate key");
                    out.push_str("a:");
                } else {
                    out.push_str(self.numbers.pick(KEYS));
                    out.push(':');
                }
                out.push_str(self.numbers.pick(&[" ", " ", " ", "  "]));
            }
            self.entry(indent, out);
        }
    }

    /// The value of a key or an item, behind its mark.
    fn entry(&mut self, indent: usize, out: &mut String) {
        match self.numbers.below(10) {
            0 => {
                self.features.count("empty value");
                out.push('\n');
            }
            1 if self.anchors > 0 => {
                self.features.count("alias");
                let anchor = 1 + self.numbers.below(self.anchors);
                out.push_str(&format!("*n{anchor}\n"));
            }
            2 => {
                self.flow(out);
                out.push('\n');
            }
            3..6 => {
                out.push_str(&self.properties());
                self.scalar(indent + 2, out);
                if self.numbers.chance(8) && !out.ends_with('\n') {
                    self.features.count("comment");
                    out.push_str(" # note");
                }
                out.push('\n');
            }
            _ => {
                let deeper = indent + 1 + self.numbers.below(3);
                self.block(deeper, out);
            }
        }
    }

    fn sequence(&mut self, indent: usize, out: &mut String) {
        self.features.count("block sequence");
        for _ in 0..1 + self.numbers.below(4) {
            self.start_line(indent, out);
            out.push_str("- ");
            self.entry(indent, out);
        }
    }

    fn flow(&mut self, out: &mut String) {
        self.depth += 1;
        let leaf = self.depth > 4;
        match self.numbers.below(if leaf { 1 } else { 3 }) {
            0 => self.flow_scalar(out),
            1 => {
                self.features.count("flow sequence");
                out.push('[');
                for index in 0..self.numbers.below(4) {
                    out.push_str(if index > 0 { ", " } else { "" });
                    self.flow(out);
                }
                out.push_str(self.numbers.pick(&["]", "]", ",]", "\n  ]"]));
            }
            _ => {
                self.features.count("flow mapping");
                out.push('{');
                for index in 0..self.numbers.below(4) {
                    out.push_str(if index > 0 { ", " } else { "" });
                    out.push_str(self.numbers.pick(KEYS));
                    out.push_str(self.numbers.pick(&[": ", ": ", ":", " : ", ""]));
                    self.flow(out);
                }
                out.push_str(self.numbers.pick(&["}", "}", ",}"]));
            }
        }
        self.depth -= 1;
    }

    fn flow_scalar(&mut self, out: &mut String) {
        match self.numbers.below(4) {
            0 => out.push_str(self.numbers.pick(&["a", "b c", "x-y", "1.5", "yes", "", "é"])),
            1 => self.quoted(out),
            2 => self.number(out),
            _ => out.push_str(self.numbers.pick(WORDS)),
        }
    }

    fn number(&mut self, out: &mut String) {
        self.features.count("number");
        out.push_str(self.numbers.pick(NUMBERS));
    }

    fn scalar(&mut self, indent: usize, out: &mut String) {
        match self.numbers.below(14) {
            0..4 => {
                self.features.count("plain");
                out.push_str(self.numbers.pick(PLAIN));
                if self.numbers.chance(12) {
                    self.features.count("plain over lines");
                    out.push_str(&format!("\n{}more text", " ".repeat(indent + 1)));
                }
            }
            4..6 => self.number(out),
            6..8 => {
                self.features.count("word with a meaning");
                out.push_str(self.numbers.pick(WORDS));
            }
            8 => {
                self.features.count("timestamp");
                out.push_str(self.numbers.pick(TIMESTAMPS));
            }
            9..12 => self.quoted(out),
            _ => self.block_scalar(indent, out),
        }
    }

    fn quoted(&mut self, out: &mut String) {
        if self.numbers.chance(50) {
            self.features.count("single quoted");
            out.push_str(self.numbers.pick(&[
                "'it''s'",
                "''",
                "'a: b'",
                "'x\n\n   y'",
                "'#'",
                "' sp '",
                "'\\n'",
                "'é\u{2028}z'",
                "'12'",
            ]));
        } else {
            self.features.count("double quoted");
            out.push_str(self.numbers.pick(&[
                "\"\"",
                "\"a\\tb\\n\"",
                "\"\\x41\\u00e9\\U0001F600\"",
                "\"x\n  y\"",
                "\"a \\\n  b\"",
                "\"\\\\ \\\" \\/\"",
                "\"\\e\\0\\N\\_\\L\\P\"",
                "\"'\"",
                "\"\\ud83d\\ude00\"",
                "\"y\"",
                "\"1\"",
            ]));
        }
    }

    fn block_scalar(&mut self, indent: usize, out: &mut String) {
        let literal = self.numbers.chance(50);
        self.features.count(if literal { "literal" } else { "folded" });
        out.push(if literal { '|' } else { '>' });
        out.push_str(self.numbers.pick(&["", "", "-", "+", "2", "-1", "+9", " # c"]));
        out.push('\n');
        for _ in 0..self.numbers.below(5) {
            let line =
                self.numbers.pick(&["text", "  more", "", "- x", "a: b", "# no comment", "\tt", "end "]);
            if !line.is_empty() {
                out.push_str(&" ".repeat(indent + 1));
            }
            out.push_str(line);
            out.push('\n');
        }
    }

    fn value(&mut self) -> serde_json::Value {
        self.depth += 1;
        let value = match self.numbers.below(if self.depth > 4 { 6 } else { 10 }) {
            0..4 => self.text().into(),
            4 => match self.numbers.below(6) {
                0 => serde_json::Value::Null,
                1 => true.into(),
                2 => (self.numbers.below(2_000_000) as i64 - 1_000_000).into(),
                3 => (self.numbers.below(1_000_000) as f64 / 1024.0).into(),
                4 => (1e15 * (self.numbers.below(9) as f64 + 0.5)).into(),
                _ => u64::MAX.into(),
            },
            5 => serde_json::Value::Array(Vec::new()),
            6 | 7 => (0..self.numbers.below(4)).map(|_| self.value()).collect(),
            _ => {
                let mut map = serde_json::Map::new();
                for _ in 0..self.numbers.below(5) {
                    // Among other keys the natural order can go in circles.
                    let from_keys = self.numbers.chance(80);
                    let key = self.numbers.pick(if from_keys { KEYS } else { PLAIN });
                    map.insert(key.to_owned(), self.value());
                }
                serde_json::Value::Object(map)
            }
        };
        self.depth -= 1;
        value
    }

    fn text(&mut self) -> String {
        match self.numbers.below(12) {
            0..3 => self.numbers.pick(PLAIN).to_owned(),
            3 => self.numbers.pick(NUMBERS).to_owned(),
            4 => self.numbers.pick(WORDS).to_owned(),
            5 => self.numbers.pick(TIMESTAMPS).to_owned(),
            6 => {
                self.features.count("long text");
                let words: Vec<&str> =
                    (0..5 + self.numbers.below(40)).map(|_| self.numbers.pick(PLAIN)).collect();
                words.join(self.numbers.pick(&[" ", "  ", " ", ", "]))
            }
            7 => (0..self.numbers.below(6))
                .map(|_| self.numbers.pick(&["line\n", "  in\n", "\n", "x: y\n", "end", " \n", "\tt\n"]))
                .collect(),
            _ => {
                self.features.count("special characters");
                let characters = [
                    "a",
                    " ",
                    "'",
                    "\"",
                    "\\",
                    ":",
                    "#",
                    "-",
                    "?",
                    ",",
                    "[",
                    "{",
                    "&",
                    "*",
                    "!",
                    "|",
                    ">",
                    "%",
                    "@",
                    "`",
                    "\n",
                    "\t",
                    "\u{0}",
                    "\u{7f}",
                    "\u{85}",
                    "\u{a0}",
                    "\u{2028}",
                    "\u{feff}",
                    "é",
                    "日",
                    "\u{1F600}",
                    "\u{fffe}",
                    "<",
                    "=",
                    "~",
                    ".",
                    "0",
                    "_",
                ];
                (0..1 + self.numbers.below(7)).map(|_| self.numbers.pick(&characters)).collect()
            }
        }
    }
}

/// Takes out, doubles or puts in a piece.
pub(crate) fn change(numbers: &mut Numbers, text: &mut String) {
    let mut place = |text: &str| {
        let mut place = numbers.below(text.len() + 1);
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    };
    let (first, second) = (place(text), place(text));
    let from = first.min(second);
    let to = (from..=first.max(second).min(from + 16))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(from);
    match numbers.below(4) {
        0 => text.replace_range(from..to, ""),
        1 => {
            let piece = text[from..to].to_owned();
            text.insert_str(from, &piece);
        }
        _ => text.insert_str(from, BREAKS[numbers.below(BREAKS.len())]),
    }
}
