//! Flags that have no effect, and values from elsewhere: as Helm answered them.

use super::*;

/// A chart that prints its values.
fn chart() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(folder.path().join("templates/a.yaml"), "a: {{ .Values | toJson }}\n").unwrap();
    folder
}

fn run(folder: &Path, flags: &[&str]) -> Result<String, String> {
    printed(&[&["template", "r", &folder.to_string_lossy()], flags].concat())
}

#[test]
fn flags_about_installing_change_nothing() {
    let folder = chart();
    let plain = Ok("---\n# Source: c/templates/a.yaml\na: {}\n".to_owned());
    for flags in [
        "--create-namespace --description x --labels a=b,c=d -l e=f --force-replace --replace",
        "--server-side --server-side=false --force-conflicts --rollback-on-failure --wait-for-jobs --wait",
        "--wait=legacy --timeout 5m --post-renderer-args x --atomic --force --hide-notes --render-subchart-notes",
        "--color always --registry-config x --burst-limit 3 --qps 2.5 --debug --devel -l a=b,c",
    ] {
        assert_eq!(run(folder.path(), &flags.split(' ').collect::<Vec<_>>()), plain, "{flags}");
    }
    let group = "are set none of the others can be; [force-conflicts force-replace] were all set";
    for (flags, error) in [
        (
            "--timeout 5",
            "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"",
        ),
        ("--timeout=", "invalid argument \"\" for \"--timeout\" flag: time: invalid duration \"\""),
        (
            "--wait=x",
            "invalid argument \"x\" for \"--wait\" flag: invalid wait input \"x\". Valid inputs are watcher, \
             hookOnly, and legacy",
        ),
        ("-l a", "invalid argument \"a\" for \"-l, --labels\" flag: a must be formatted as key=value"),
        (
            "-l owner=x",
            "user supplied labels contains system reserved label name. System labels: [name owner status version \
             createdAt modifiedAt]",
        ),
        (
            "--server-side=x",
            "invalid argument \"x\" for \"--server-side\" flag: strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
        (
            "--force-replace --force-conflicts",
            &format!("if any flags in the group [force-replace force-conflicts] {group}"),
        ),
        ("--color x", "invalid color mode \"x\": must be one of: never, auto, always"),
    ] {
        let found = run(folder.path(), &flags.split(' ').collect::<Vec<_>>());
        assert_eq!(found, Err(format!("Error: {error}\n")), "{flags}");
    }
}

#[test]
fn outdated_flags_are_named() {
    let named = |flag: &str| {
        let line = Line::try_parse_from(["helm", "template", "c", flag]).unwrap();
        match line.arguments.command {
            Command::Template(template) => template.deprecations(),
            _ => Vec::new(),
        }
    };
    assert_eq!(named("--atomic"), ["Flag --atomic has been deprecated, use --rollback-on-failure instead"]);
    assert_eq!(named("--validate"), ["Flag --validate has been deprecated, use '--dry-run=server' instead"]);
    assert_eq!(named("--wait"), [""; 0]);
}

#[test]
fn values_come_from_addresses_and_are_text() {
    let folder = chart();
    let server = served::serve(vec![("/v.yaml", b"x: 1\n".to_vec()), ("/t", b"text".to_vec())], None);
    let (values, text) = (format!("{server}/v.yaml"), format!("y={server}/t"));
    assert_eq!(
        run(folder.path(), &["-f", &values, "--set-file", &text]),
        Ok("---\n# Source: c/templates/a.yaml\na: {\"x\":1,\"y\":\"text\"}\n".to_owned())
    );
    let missing = format!("{server}/none");
    assert_eq!(
        run(folder.path(), &["-f", &missing]),
        Err(format!("Error: failed to fetch {missing} : 404 Not Found\n"))
    );
    let file = folder.path().join("bytes");
    fs::write(&file, b"x: \xff\n").unwrap();
    let name = file.display();
    let octet =
        "cannot unmarshal yaml document: error converting YAML to JSON: yaml: invalid leading UTF-8 octet";
    assert_eq!(
        run(folder.path(), &["-f", &name.to_string()]),
        Err(format!("Error: failed to parse {name}: {octet}\n"))
    );
    assert_eq!(
        run(folder.path(), &["--set-file", &format!("x={name}")]),
        Ok("---\n# Source: c/templates/a.yaml\na: {\"x\":\"x: \\ufffd\\n\"}\n".to_owned())
    );
}
