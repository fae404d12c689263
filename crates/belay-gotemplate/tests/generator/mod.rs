//! Makes templates by the numbers of a seed: every action, function and type of value, and a good share
//! of what is wrong in type, in form or in both.

#[path = "fuzz.rs"]
mod fuzzing;

use std::collections::BTreeMap;

use crate::render;
pub(crate) use fuzzing::fuzz;

const FUNCTIONS: &str = include_str!("functions.txt");

/// A template, and how missing keys behave.
pub(crate) struct Case {
    pub(crate) template: String,
    pub(crate) missing_key: &'static str,
}

/// Numbers from a seed.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// How often each feature occurred.
#[derive(Default)]
pub(crate) struct Features(pub(crate) BTreeMap<String, usize>);

impl Features {
    pub(crate) fn count(&mut self, feature: &str) {
        *self.0.entry(feature.to_owned()).or_default() += 1;
    }

    /// The features that occurred less often than a run of this size should show. The functions are
    /// about 240, the other features about 40.
    pub(crate) fn rare(&self, cases: usize) -> Vec<String> {
        let mut rare = Vec::new();
        let functions =
            functions().into_iter().map(|function| (format!("function {}", function.name), cases / 300));
        let others = FEATURES.iter().map(|(name, share)| ((*name).to_owned(), cases * share / 1000));
        for (name, least) in functions.chain(others) {
            let found = self.0.get(&name).copied().unwrap_or(0);
            if found < least {
                rare.push(format!("{name}: {found} of at least {least}"));
            }
        }
        rare
    }
}

/// Other features, and in how many of a thousand cases they must occur.
const FEATURES: &[(&str, usize)] = &[
    ("action", 500),
    ("if", 50),
    ("else if", 10),
    ("else", 30),
    ("with", 30),
    ("else with", 5),
    ("range", 50),
    ("range with variables", 20),
    ("range over a number", 5),
    ("break", 5),
    ("continue", 5),
    ("define", 30),
    ("template", 20),
    ("block", 10),
    ("comment", 10),
    ("trim", 100),
    ("declare", 30),
    ("assign", 10),
    ("pipe", 100),
    ("parentheses", 100),
    ("chain after parentheses", 5),
    ("wrong type", 50),
    ("broken text", 40),
    ("missing field", 30),
    ("missingkey=error", 20),
    ("missingkey=zero", 20),
    ("output", 300),
    ("parse error", 30),
    ("execution error", 100),
];

struct Function {
    result: char,
    name: &'static str,
    parameters: Vec<char>,
}

fn functions() -> Vec<Function> {
    let mut all = Vec::new();
    for line in FUNCTIONS.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ').map(|word| (word, word.chars().next().unwrap_or('a')));
        let (Some((_, result)), Some((name, _))) = (words.next(), words.next()) else { continue };
        all.push(Function { result, name, parameters: words.map(|(_, letter)| letter).collect() });
    }
    all
}

/// The case of a seed; its features are counted.
pub(crate) fn case(seed: u64, features: &mut Features) -> Case {
    let mut generator = Generator {
        numbers: Numbers::new(seed),
        features,
        functions: functions(),
        variables: Vec::new(),
        in_range: 0,
        depth: 0,
        blocks: 0,
        out: String::new(),
    };
    generator.file();
    let missing_key = match generator.numbers.below(20) {
        0 => "zero",
        1 => "error",
        _ => "default",
    };
    if missing_key != "default" {
        generator.features.count(&format!("missingkey={missing_key}"));
    }
    Case { template: generator.out, missing_key }
}

struct Generator<'f> {
    numbers: Numbers,
    features: &'f mut Features,
    functions: Vec<Function>,
    variables: Vec<String>,
    in_range: usize,
    depth: usize,
    blocks: usize,
    out: String,
}

const TEXTS: &[&str] =
    &["a", " b\n", "key: ", "\n  - ", "é€", "{x}", "\n\n", "}", " ", "\"q\"", "# c\n", "\t"];
const NAMES: &[&str] =
    &["str", "empty", "bool", "f", "n", "big", "zero", "neg", "num", "floatstr", "uni", "text"];
const STRINGS: &[&str] = &[
    ".str",
    ".uni",
    ".text",
    ".html",
    ".num",
    ".floatstr",
    ".empty",
    ".url",
    "\"abc\"",
    "\"a,b,,c\"",
    "`raw \\n`",
    "\"Ünïcode ß\"",
    "\"  sp  \"",
    "\"x\\ty\\\"z\\u00e9\"",
    "\"FooBarBaz\"",
    "\"foo_bar-baz qux\"",
    "\"1.2.3\"",
    "\"-7\"",
    "\"true\"",
    "\"\"",
    "\"0x1F\"",
    "\"a\"",
    ".deep.a.b.c",
    "\"%d\"",
    "\"日本語 text\"",
    "\"<b>&'\"",
];
const INTEGERS: &[&str] =
    &["0", "1", "2", "3", "-1", "5", "7", "12", "'x'", "0x10", "1_0", "0b11", "0o17", ".int", "-3"];
const NUMBERS: &[&str] = &[
    ".n",
    ".f",
    ".big",
    ".zero",
    ".neg",
    ".int",
    ".int64",
    "1.5",
    "-2.25",
    "1e3",
    "100",
    "\"42\"",
    "\"3.7\"",
    "3",
    "0.1",
    ".num",
    ".floatstr",
    "1000000",
    "-5",
];
const LISTS: &[&str] = &[
    ".list",
    ".nums",
    ".mixed",
    ".none",
    ".strings",
    ".people",
    "(list 1 2 3)",
    "(list \"b\" \"a\" \"\")",
    "(list)",
    "(until 4)",
    "(splitList \",\" \"x,y,z\")",
    "(list nil 0 \"\" false)",
    "(list 3 1 2 3 1)",
    ".bytes",
];
const MAPS: &[&str] = &[
    ".m",
    ".deep",
    ".deep.a",
    ".emptymap",
    "(dict \"a\" 1 \"b\" \"x\")",
    "(dict)",
    ".m.mid",
    "(dict \"scheme\" \"http\" \"host\" \"h:1\" \"path\" \"/p\")",
    "(dict \"k\" (list 1 2))",
    ".labels",
];
const NEW_MAPS: &[&str] = &[
    "(dict \"a\" 1 \"b\" \"x\")",
    "(dict)",
    "(dict \"k\" (list 1 2))",
    "(dict \"b\" (dict \"c\" 1))",
    "(dict \"a\" (dict \"b\" nil))",
];
const JSON: &[&str] = &[
    "`{\"a\":[1,2.5,null,\"x\"]}`",
    "`[1,{\"b\":true}]`",
    "\"12\"",
    "\"{\"",
    "\"\"",
    "`\"s\"`",
    "`{\"a\":1e3,\"z\":{}}`",
    "\"nul\"",
];
const PATTERNS: &[&str] = &[
    "\"a+\"",
    "\"[a-z]+\"",
    "`(\\w)(\\w*)`",
    "\"^\"",
    "\"x*\"",
    "`\\d+`",
    "\"(\"",
    "\"[z-a]\"",
    "`(?i)L`",
    "\"\"",
    "\"é|o\"",
    "`(?P<n>l+)o`",
    "\"a{2,1}\"",
    "`\\pL+`",
    "`[[:upper:]]`",
    "`\\bw`",
    "\"*\"",
    "`\\q`",
    "\"a**\"",
];
const VERSIONS: &[&str] = &[
    "\"1.2.3\"",
    "\"v1.2\"",
    "\"1.2.3-alpha.1+b\"",
    "\"x\"",
    "\"1.28.4-gke.1\"",
    "\"0.1.0\"",
    "\"\"",
    "\"1.2.3.4\"",
    "\"01.2.3\"",
];
const CONSTRAINTS: &[&str] = &[
    "\">=1.2\"",
    "\"^1.2.0\"",
    "\"~1.2 || >3\"",
    "\"1.x\"",
    "\">=1.0.0, <2\"",
    "\"*\"",
    "\">=x\"",
    "\"^0.1\"",
    "\"1.2 - 2\"",
    "\"!=1.2.3\"",
    "\">=1.19-0\"",
    "\"\"",
];
const DURATIONS: &[&str] =
    &["\"95\"", "\"2h10m\"", "\"-90s\"", "\"x\"", "\"1.5h\"", "\"3600\"", "\"0\"", "\"100000h\""];
const URLS: &[&str] = &[
    ".url",
    "\"http://h/p?q=1\"",
    "\"mailto:a@b\"",
    "\"//h\"",
    "\"\"",
    "\"http://[::1]:80/x#f\"",
    "\"%zz\"",
    "\"/a b\"",
];
const PATHS: &[&str] =
    &["\"/a/b/../c.txt\"", "\"a//b/\"", "\"\"", "\".\"", "\"/\"", "\"x.tar.gz\"", "\"../x\"", "\"a/./b\""];
const LAYOUTS: &[&str] = &[
    "\"2006-01-02\"",
    "\"15:04:05.000 MST\"",
    "\"Mon Jan _2 06 3PM\"",
    "\"2006-01-02T15:04:05Z07:00\"",
    "\"002 Monday January\"",
    "\"x\"",
    "\"05.999 -0700\"",
];
const ZONES: &[&str] =
    &["\"UTC\"", "\"\"", "\"Europe/Berlin\"", "\"America/New_York\"", "\"Nowhere\"", "\"Asia/Kolkata\""];
const SECONDS: &[&str] = &["0", "1700000000", "-1", "(int64 1720000000)", "951782400"];
const KEYS: &[&str] = &[
    "\"a\"", "\"k\"", "\"zeta\"", "\"mid\"", "\"none\"", "\"b\"", "\"name\"", "\"c\"", "\"host\"", "\"path\"",
];
const FORMATS: &[&str] = &[
    "\"%v\"",
    "\"%s\"",
    "\"%d\"",
    "\"%q\"",
    "\"%5.2f|\"",
    "\"%x\"",
    "\"%T\"",
    "\"%#v\"",
    "\"%+v\"",
    "\"%-8s|\"",
    "\"%05d\"",
    "\"%t\"",
    "\"%%\"",
    "\"%z\"",
    "\"%c\"",
    "\"%U\"",
    "\"%[2]v %[1]v\"",
    "\"%*d\"",
    "\"%e\"",
    "\"%g\"",
    "\"%08.3f\"",
    "\"% x\"",
    "\"%X\"",
    "\"%o\"",
    "\"%b\"",
    "\"%s %s\"",
    "\"%\"",
    "\"%6.2s|\"",
    "\"%+d\"",
];

/// What takes any value at the end of a pipe, and what takes text.
const PIPES: &[&str] = &[
    "quote",
    "toString",
    "toJson",
    "printf \"%v|\"",
    "default \"d\"",
    "print",
    "kindOf",
    "squote",
    "html",
    "not",
    "list",
    "typeOf",
    "printf \"%T\"",
];
const TEXT_PIPES: &[&str] = &[
    "upper",
    "trim",
    "len",
    "indent 2",
    "trunc 5",
    "b64enc",
    "int",
    "title",
    "nindent 1",
    "replace \"a\" \"b\"",
    "lower",
    "quote",
];

impl Generator<'_> {
    fn file(&mut self) {
        let templates = self.numbers.below(4).saturating_sub(1);
        for number in 0..templates {
            self.features.count("define");
            self.open(&format!("define \"t{number}\""));
            self.list(2);
            self.open("end");
            self.variables.clear();
        }
        let length = 1 + self.numbers.below(3);
        for _ in 0..length {
            self.node(templates);
        }
        if self.numbers.chance(9) {
            self.break_text();
        }
    }

    /// A delimiter, some inside, a delimiter; each perhaps with a trim mark.
    fn open(&mut self, inside: &str) {
        let (left, right) = (self.numbers.chance(15), self.numbers.chance(15));
        if left || right {
            self.features.count("trim");
        }
        self.out.push_str(if left { "{{- " } else { "{{" });
        self.out.push_str(inside);
        self.out.push_str(if right { " -}}" } else { "}}" });
    }

    fn list(&mut self, most: usize) {
        self.depth += 1;
        let length = 1 + self.numbers.below(most);
        for _ in 0..length {
            self.node(0);
        }
        self.depth -= 1;
    }

    fn node(&mut self, templates: usize) {
        let kinds = if self.depth > 2 { 50 } else { 100 };
        match self.numbers.below(kinds) {
            0..12 => {
                let text = self.numbers.pick(TEXTS);
                self.out.push_str(text);
            }
            12..42 => self.action(),
            42..46 => self.comment(),
            46..50 => self.jump(),
            50..60 => self.declaration(),
            60..74 => self.condition(),
            74..82 => self.with(),
            82..93 => self.range(),
            _ => self.call(templates),
        }
    }

    fn action(&mut self) {
        self.features.count("action");
        let pipeline = self.pipeline();
        self.open(&pipeline);
    }

    fn comment(&mut self) {
        self.features.count("comment");
        let text = self.numbers.pick(&["{{/* c */}}", "{{- /* a\nb */ -}}", "{{/**/}}", "{{/* x }} */}}"]);
        self.out.push_str(text);
    }

    fn jump(&mut self) {
        if self.in_range > 0 || self.numbers.chance(5) {
            let word = self.numbers.pick(&["break", "continue"]);
            self.features.count(word);
            let condition = self.boolean();
            self.open(&format!("if {condition}"));
            self.open(word);
            self.open("end");
        } else {
            self.action();
        }
    }

    fn declaration(&mut self) {
        let pipeline = self.pipeline();
        if !self.variables.is_empty() && self.numbers.chance(35) {
            self.features.count("assign");
            let variable = self.variable();
            self.open(&format!("{variable} = {pipeline}"));
            return;
        }
        self.features.count("declare");
        let name = format!("$v{}", self.numbers.below(4));
        self.open(&format!("{name} := {pipeline}"));
        self.variables.push(name);
    }

    fn variable(&mut self) -> String {
        let index = self.numbers.below(self.variables.len());
        self.variables[index].clone()
    }

    /// A body whose variables end with it.
    fn body(&mut self) {
        let mark = self.variables.len();
        self.list(3);
        self.variables.truncate(mark);
    }

    fn condition(&mut self) {
        self.features.count("if");
        let condition = if self.numbers.chance(60) { self.boolean() } else { self.pipeline() };
        self.open(&format!("if {condition}"));
        self.body();
        if self.numbers.chance(25) {
            self.features.count("else if");
            let condition = self.boolean();
            self.open(&format!("else if {condition}"));
            self.body();
        }
        self.otherwise();
        self.open("end");
    }

    fn otherwise(&mut self) {
        if self.numbers.chance(50) {
            self.features.count("else");
            self.open("else");
            self.body();
        }
    }

    fn with(&mut self) {
        self.features.count("with");
        let pipeline = self.pipeline();
        let mark = self.variables.len();
        if self.numbers.chance(30) {
            let name = format!("$w{}", self.numbers.below(2));
            self.open(&format!("with {name} := {pipeline}"));
            self.variables.push(name);
        } else {
            self.open(&format!("with {pipeline}"));
        }
        self.body();
        if self.numbers.chance(20) {
            self.features.count("else with");
            let pipeline = self.pipeline();
            self.open(&format!("else with {pipeline}"));
            self.body();
        }
        self.otherwise();
        self.open("end");
        self.variables.truncate(mark);
    }

    fn range(&mut self) {
        self.features.count("range");
        let over = match self.numbers.below(10) {
            0..5 => self.value('l'),
            5..8 => self.value('m'),
            8 => {
                self.features.count("range over a number");
                self.numbers.pick(&["3", ".int", "(int 2)", "0", "-1", "(int64 2)", "1.5"]).to_owned()
            }
            _ => self.pipeline(),
        };
        let mark = self.variables.len();
        match self.numbers.below(10) {
            0..5 => self.open(&format!("range {over}")),
            5..7 => {
                self.features.count("range with variables");
                self.open(&format!("range $i := {over}"));
                self.variables.push("$i".into());
            }
            _ => {
                self.features.count("range with variables");
                self.open(&format!("range $i, $e := {over}"));
                self.variables.extend(["$i".into(), "$e".into()]);
            }
        }
        self.in_range += 1;
        self.body();
        self.in_range -= 1;
        self.otherwise();
        self.open("end");
        self.variables.truncate(mark);
    }

    fn call(&mut self, templates: usize) {
        let argument = match self.numbers.below(4) {
            0 => String::new(),
            1 => " .".into(),
            2 => " $".into(),
            _ => format!(" {}", self.value('a')),
        };
        if templates == 0 || self.numbers.chance(30) {
            self.features.count("block");
            // A block within one of its own name would never end.
            self.blocks += 1;
            let name = self.blocks;
            self.open(&format!("block \"b{name}\" {}", if argument.is_empty() { "." } else { &argument }));
            let variables = std::mem::take(&mut self.variables);
            let in_range = std::mem::take(&mut self.in_range);
            self.list(2);
            (self.variables, self.in_range) = (variables, in_range);
            self.open("end");
            return;
        }
        self.features.count("template");
        let is_unknown = self.numbers.chance(5);
        let name = self.numbers.below(templates + usize::from(is_unknown));
        self.open(&format!("template \"t{name}\"{argument}"));
    }

    /// Something that is mostly true or false.
    fn boolean(&mut self) -> String {
        match self.numbers.below(8) {
            0 => "true".into(),
            1 => "false".into(),
            2 => ".bool".into(),
            3 => format!("(eq {} {})", self.value('n'), self.value('n')),
            _ => self.function_of('b').unwrap_or_else(|| "true".into()),
        }
    }

    fn pipeline(&mut self) -> String {
        let kind =
            self.numbers.pick(&["s", "s", "s", "n", "l", "m", "a", "a", "b"]).chars().next().unwrap_or('a');
        let mut text = self.value(kind);
        for _ in 0..self.numbers.below(3) {
            self.features.count("pipe");
            let is_text = kind == 's' && !text.contains('|');
            let wrong = self.numbers.chance(4);
            let function = self.numbers.pick(if is_text || wrong { TEXT_PIPES } else { PIPES });
            text = format!("{text} | {function}");
        }
        text
    }

    /// An expression of the kind, or now and then of another.
    fn value(&mut self, kind: char) -> String {
        match kind {
            // Another type would show the clock, or make a map that holds itself.
            'e' => return self.numbers.pick(SECONDS).to_owned(),
            'x' => return self.numbers.pick(INTEGERS).to_owned(),
            'q' => return self.numbers.pick(&["\"new\"", "1", "\"\"", "nil", "2.5"]).to_owned(),
            'w' => return self.numbers.pick(NEW_MAPS).to_owned(),
            _ => {}
        }
        self.depth += 1;
        let wrong = self.numbers.chance(1);
        let kind = if wrong {
            self.features.count("wrong type");
            self.numbers.pick(&["s", "i", "n", "l", "m", "b", "a"]).chars().next().unwrap_or('a')
        } else {
            kind
        };
        let text = match self.numbers.below(100) {
            0..45 if self.depth < 5 => self.function_of(kind).unwrap_or_else(|| self.leaf(kind)),
            45..52 if !self.variables.is_empty() => self.variable(),
            52 => self.field(),
            _ => self.leaf(kind),
        };
        self.depth -= 1;
        text
    }

    fn field(&mut self) -> String {
        match self.numbers.below(6) {
            0 => ".".into(),
            1 => "$".into(),
            2 => {
                self.features.count("missing field");
                self.numbers
                    .pick(&[".missing", "$.missing.x", ".str.x", ".nul", ".nul.x", ".deep.x.y", ".m.zeta.q"])
                    .to_owned()
            }
            3 => {
                self.features.count("chain after parentheses");
                format!("({}).{}", self.value('m'), self.numbers.pick(&["a", "k", "b", "none", "mid"]))
            }
            _ => format!("$.{}", self.numbers.pick(NAMES)),
        }
    }

    fn leaf(&mut self, kind: char) -> String {
        if self.numbers.chance(1) {
            return self.field();
        }
        let from = match kind {
            's' => STRINGS,
            'i' => INTEGERS,
            'n' => NUMBERS,
            'b' => &["true", "false", ".bool"],
            'l' => LISTS,
            'm' => MAPS,
            'j' => JSON,
            'r' => PATTERNS,
            'v' => VERSIONS,
            'c' => CONSTRAINTS,
            'd' => DURATIONS,
            'u' => URLS,
            'p' => PATHS,
            't' => LAYOUTS,
            'z' => ZONES,
            'e' => SECONDS,
            'k' => KEYS,
            'f' => FORMATS,
            _ => match self.numbers.below(8) {
                0 => &["nil", ".nul", "true", "false", "'a'", "1i", ".missing"],
                1 => NUMBERS,
                2 => LISTS,
                3 => MAPS,
                4 => INTEGERS,
                _ => STRINGS,
            },
        };
        self.numbers.pick(from).to_owned()
    }

    /// A call of a function with the result, in parentheses; any function for a value of any kind.
    fn function_of(&mut self, kind: char) -> Option<String> {
        let fits = |function: &Function| kind == 'a' || function.result == kind;
        let count = self.functions.iter().filter(|function| fits(function)).count();
        if count == 0 {
            return None;
        }
        let nth = self.numbers.below(count);
        let function = self.functions.iter().filter(|function| fits(function)).nth(nth)?;
        let (name, parameters) = (function.name, function.parameters.clone());
        self.features.count(&format!("function {name}"));
        self.features.count("parentheses");
        let mut text = format!("({name}");
        for (index, parameter) in parameters.iter().enumerate() {
            let (kind, times) = match parameter {
                '*' => (parameters.get(index.wrapping_sub(1)).copied().unwrap_or('a'), self.numbers.below(3)),
                kind => (*kind, 1),
            };
            for _ in 0..times {
                text.push(' ');
                text.push_str(&self.value(kind));
            }
        }
        match self.numbers.below(150) {
            0 => {
                self.features.count("wrong type");
                text.push_str(" 1");
            }
            1 => {
                self.features.count("wrong type");
                text.truncate(text.rfind(' ').unwrap_or(text.len()));
            }
            _ => {}
        }
        Some(text + ")")
    }

    /// Takes out, doubles or puts in a piece.
    fn break_text(&mut self) {
        self.features.count("broken text");
        let places: Vec<usize> = self.out.char_indices().map(|(place, _)| place).collect();
        if places.len() < 3 {
            return self.out.push_str("{{");
        }
        let from = self.numbers.below(places.len() - 2);
        let to = (from + 1 + self.numbers.below(4)).min(places.len() - 1);
        let (from, to) = (places[from], places[to]);
        match self.numbers.below(3) {
            0 => self.out.replace_range(from..to, ""),
            1 => {
                let piece = self.out[from..to].to_owned();
                self.out.insert_str(to, &piece);
            }
            _ => {
                let pieces = [
                    "{{", "}}", "\"", "(", ")", "|", "{{end}}", "{{else}}", ".", " nofunc ", "$x", ":=", "'",
                    "`", "{{- ", "/*", "\\", "1e", "{{if}}", "@",
                ];
                let piece = self.numbers.pick(&pieces);
                self.out.insert_str(from, piece);
            }
        }
    }
}
