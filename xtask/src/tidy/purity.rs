//! Groups 1 and 2 do no IO: neither by what they say nor by what they depend on.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::layers::dependencies;
use super::source;

/// What pure code never says: it would read a clock, a file, an environment, a network or chance.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::path",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "thread::sleep",
    "Instant::now",
    "Local::now",
    "SystemTime::now",
    "TimeZone::system",
    "Timestamp::now",
    "Utc::now",
    "Zoned::now",
    "OsRng",
    "SysRng",
    "async",
    "await",
];

/// What no pure crate may rest on, however far below.
const CLIENTS_AND_RUNTIMES: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "git2",
    "gix",
    "h2",
    "hyper",
    "kube",
    "kube-client",
    "mio",
    "native-tls",
    "openssl",
    "reqwest",
    "russh",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tonic",
    "ureq",
];

/// What no pure crate may ask for itself; below others it may stand unused.
const FILES_CHANCE_AND_FUTURES: &[&str] = &[
    "async-trait",
    "chrono",
    "dirs",
    "fastrand",
    "futures",
    "futures-core",
    "futures-util",
    "getrandom",
    "glob",
    "ignore",
    "mimalloc",
    "notify",
    "rand",
    "tempfile",
    "terminal_size",
    "time",
    "tower",
    "tracing-subscriber",
    "uuid",
    "walkdir",
];

/// The places of a pure crate's file that do IO.
pub(super) fn check_code(place: &str, code: &str) -> Vec<String> {
    let code = source::without_tests(code);
    let mut faults: Vec<String> = source::paths(&code)
        .into_iter()
        .filter_map(|spoken| {
            let word = IMPURE.iter().find(|word| says(&spoken.path, word))?;
            Some(format!("{place}:{}: {word} in a pure crate", spoken.line))
        })
        .collect();
    faults.dedup();
    faults
}

/// Whether the path has these names, in this order, with none between.
fn says(path: &str, word: &str) -> bool {
    format!("::{path}::").contains(&format!("::{word}::"))
}

/// What a pure crate depends on that does IO, and the way to it.
pub(super) fn check_dependencies(name: &str, manifest: &Table, packages: &Packages) -> Vec<String> {
    let mut faults = Vec::new();
    for dependency in dependencies(manifest, "dependencies") {
        if FILES_CHANCE_AND_FUTURES.contains(&dependency.as_str()) {
            faults.push(format!("{name}: depends on {dependency}; a pure crate is given such things"));
        }
        if let Some(way) = packages.way_to_a_client(&dependency) {
            faults.push(format!(
                "{name}: depends on {}; a pure crate has no client and no runtime",
                way.join(" → ")
            ));
        }
    }
    faults
}

/// Which package depends on which, from `Cargo.lock`. Versions do not matter here.
pub(super) struct Packages(BTreeMap<String, Vec<String>>);

impl Packages {
    pub(super) fn of(lock: &Table) -> Packages {
        let mut packages = BTreeMap::<String, Vec<String>>::new();
        for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = package.get("name").and_then(Value::as_str) else { continue };
            let below = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            let names = below.filter_map(|name| Some(name.as_str()?.split(' ').next()?.to_owned()));
            packages.entry(name.to_owned()).or_default().extend(names);
        }
        Packages(packages)
    }

    fn way_to_a_client(&self, dependency: &str) -> Option<Vec<String>> {
        let mut came_from = BTreeMap::from([(dependency, None)]);
        let mut waiting = vec![dependency];
        while let Some(name) = waiting.pop() {
            if CLIENTS_AND_RUNTIMES.contains(&name) {
                let mut way: Vec<String> =
                    std::iter::successors(Some(name), |name| came_from[*name]).map(str::to_owned).collect();
                way.reverse();
                return Some(way);
            }
            // Ours are looked at themselves; their entries in the file also hold what their tests need.
            let below = self.0.get(name).filter(|_| !name.starts_with("belay-"));
            for next in below.into_iter().flatten() {
                if !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, Some(name));
                    waiting.push(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        check_code("x.rs", &source::code_of(text))
    }

    #[test]
    fn impure_code_is_found_in_every_spelling() {
        for (text, word) in [
            ("let x = std::fs::read(path);", "std::fs"),
            ("use std::{fs, io};", "std::fs"),
            ("use std::{\n    collections::HashMap,\n    env::{self, VarError},\n};", "std::env"),
            ("use std::fs as files;", "std::fs"),
            ("use ::std::fs::File;", "std::fs"),
            ("use std::time::{Duration, Instant as Moment};", "std::time::Instant"),
            ("let now = jiff::Timestamp::now();", "Timestamp::now"),
            ("let now = Timestamp\n    ::now();", "Timestamp::now"),
            ("use std::net::{IpAddr, TcpStream};", "std::net::TcpStream"),
            ("async fn read() {}", "async"),
            ("let x = async { 1 };", "async"),
            ("#[cfg(test)]\nuse a::b;\nfn now() { std::process::exit(1) }", "std::process"),
        ] {
            let found = faults(text);
            assert!(
                found.first().is_some_and(|fault| fault.ends_with(&format!(": {word} in a pure crate"))),
                "{text}: {found:?}"
            );
        }
        assert_eq!(faults("\n\nuse std::fs;"), ["x.rs:3: std::fs in a pure crate"]);
    }

    #[test]
    fn what_is_only_mentioned_is_no_fault() {
        for text in [
            "// std::fs is not used",
            "/* std::fs */",
            "let x = \"std::fs::read\";",
            "use std::net::IpAddr;",
            "use std::time::Duration;",
            "let is_async = asynchronous(awaited);",
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
        ] {
            assert_eq!(faults(text), Vec::<String>::new(), "{text}");
        }
    }

    const LOCK: &str = "
        [[package]]
        name = \"middle\"
        dependencies = [\"serde\", \"hyper-tls 1.0.0\"]
        [[package]]
        name = \"hyper-tls\"
        dependencies = [\"tokio\", \"middle\"]
        [[package]]
        name = \"tokio\"
        [[package]]
        name = \"serde\"
        [[package]]
        name = \"belay-semver\"
        dependencies = [\"tokio\"]
    ";

    fn dependency_faults(manifest: &str) -> String {
        let packages = Packages::of(&LOCK.parse().unwrap());
        check_dependencies("belay-diff", &manifest.parse().unwrap(), &packages).join("\n")
    }

    #[test]
    fn a_client_among_the_dependencies_is_found() {
        for name in ["tokio", "kube", "reqwest", "gix"] {
            let found = dependency_faults(&format!("[dependencies]\n{name}.workspace = true"));
            assert!(found.contains(&format!("belay-diff: depends on {name};")), "{found}");
        }
        assert!(dependency_faults("[dependencies]\nx = { package = \"tokio\" }").contains("tokio"));
        assert!(dependency_faults("[dependencies]\nmiddle = \"1\"").contains("middle → hyper-tls → tokio"));
        assert!(dependency_faults("[dependencies]\nrand = \"1\"").contains("is given such things"));
    }

    #[test]
    fn data_and_what_only_tests_need_are_no_fault() {
        let manifest = "[dependencies]\nserde = \"1\"\nbelay-semver = {}\n[dev-dependencies]\ntokio = \"1\"";
        assert_eq!(dependency_faults(manifest), "");
    }
}
