//! A repository with one crate, broken in each way.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{Arguments, check, run};

const LIB: &str = "pub fn is_adult(age: u8) -> bool {\n    age >= 18\n}\n\npub fn greeting() -> u8 {\n    1\n}\n\n\
    #[test]\nfn ages() {\n    assert!(is_adult(18) && !is_adult(17));\n}\n\n\
    #[test]\nfn broken() {\n    panic!();\n}\n";

/// loses, replace, with, the test's name
const MUTATIONS: [(&str, &str, &str, &str); 4] = [
    ("who is eighteen is an adult", "age >= 18", "age > 18", "ages"),
    ("the greeting is one", "    1\n", "    2\n", "ages"),
    ("there is a greeting", "pub fn greeting() -> u8", "pub fn greeting() -> Nothing", "ages"),
    ("children are no adults", "age >= 18", "age >= 7", "broken"),
];

fn repository() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("src/lib.rs", LIB);
    write(
        "Cargo.toml",
        "[package]\nname = \"ages\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n[profile.demo]\ninherits = \"dev\"\n",
    );
    write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"ages\"\nversion = \"1.0.0\"\n");
    write(".gitignore", "/build\n");
    let mut list = String::new();
    for (loses, replace, with, test) in MUTATIONS {
        list += &format!(
            "[[mutation]]\nloses = {loses:?}\nfile = \"src/lib.rs\"\nreplace = {replace:?}\nwith = {with:?}\ntest = [\"--lib\", {test:?}]\n"
        );
    }
    write("tests/mutations.toml", &list);
    for words in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", "All of it"],
    ] {
        assert!(Command::new("git").current_dir(folder.path()).args(words).status().unwrap().success());
    }
    folder
}

#[test]
fn each_way_to_miss_a_mutation_is_told() {
    let repository = repository();
    let root = repository.path();
    assert_eq!(check(root).unwrap(), Vec::<String>::new());
    // What an interrupted run left behind.
    let left = root.join("build/mutate/copy/src/lib.rs");
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "broken").unwrap();

    let report = run(root, &Arguments::default()).unwrap_err().to_string();
    assert_eq!(
        report,
        "not proven:\n  \
         SURVIVES: the greeting is one (src/lib.rs: cargo test --lib ages)\n  \
         DOES NOT COMPILE: there is a greeting (src/lib.rs: cargo test --lib ages)\n  \
         ITS TESTS FAIL WITHOUT IT: children are no adults (src/lib.rs: cargo test --lib broken)"
    );
    run(root, &Arguments { only: vec!["eighteen".to_owned()], ..Arguments::default() }).unwrap();
    assert_eq!(fs::read_to_string(root.join("src/lib.rs")).unwrap(), LIB, "the repository is not touched");
    assert_eq!(fs::read_to_string(&left).unwrap(), LIB, "the copy is whole again");
}
