//! The commands as a person types them.

mod flags;
mod server;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;
use crate::original_flags::read_stand_ins_as_in_go;

#[derive(Parser)]
#[command(name = "helm")]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../belay-helm/tests/cases")
}

/// What is printed for a line, or the error.
fn printed(line: &[&str]) -> Result<String, String> {
    let line = [&["helm"], line].concat();
    let read = read_stand_ins_as_in_go(Line::command()).try_get_matches_from(line).unwrap();
    let printed = carry_out(&Line::from_arg_matches(&read).unwrap().arguments);
    let output = String::from_utf8(printed.output).unwrap();
    printed.error.map_or(Ok(output), |error| Err(format!("Error: {error}\n")))
}

/// The lines of the case, its files named by their places.
fn case(name: &str) -> Result<String, String> {
    let folder = cases().join(name);
    let text = fs::read_to_string(folder.join("args.txt")).unwrap();
    let mut line = vec!["template".to_owned()];
    for argument in text.lines() {
        let file = folder.join(argument);
        line.push(if file.exists() { file.to_string_lossy().into_owned() } else { argument.to_owned() });
    }
    printed(&line.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn cases_are_printed_as_recorded() {
    for name in [
        "alias_twice",
        "archive_with_links",
        "capabilities",
        "condition_tags",
        "control_flow",
        "empty_documents",
        "template_depth",
    ] {
        let expected = fs::read_to_string(cases().join(name).join("expected.yaml")).unwrap();
        assert_eq!(case(name), Ok(expected), "{name}");
    }
    for name in ["fail_args", "fail_bad_kube_version", "fail_template_depth"] {
        let expected = fs::read_to_string(cases().join(name).join("expected-error.txt")).unwrap();
        assert_eq!(case(name), Err(expected), "{name}");
    }
}

/// As Helm answered them.
#[test]
fn dry_runs_are_of_a_client_or_a_server() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    let chart = folder.path().to_string_lossy().into_owned();
    let run = |flags: &[&str]| printed(&[&["template", &chart], flags].concat());
    for client in ["--dry-run", "--dry-run=client", "--dry-run=true", "--dry-run=1"] {
        assert_eq!(run(&[client]), Ok("\n".to_owned()), "{client}");
    }
    for (value, known) in [
        ("foo", "\"none\", \"server\", or \"client\""),
        ("none", "\"server\" or \"client\""),
        ("false", "\"server\" or \"client\""),
    ] {
        let error = format!("Error: invalid dry-run value ({value:?}). Must be {known}\n");
        assert_eq!(run(&[&format!("--dry-run={value}")]), Err(error));
    }
    let group = "if any flags in the group [validate dry-run] are set none of the others can be";
    assert_eq!(
        run(&["--validate", "--dry-run=server"]),
        Err(format!("Error: {group}; [dry-run validate] were all set\n"))
    );
    let unreachable = "Error: cluster reachability check failed: kubernetes cluster unreachable: ";
    let refused = "Get \"http://127.0.0.1:1/version\": dial tcp 127.0.0.1:1: connect: connection refused\n";
    for server in ["--validate", "--dry-run=server"] {
        let error = run(&[server, "--kube-apiserver", "http://127.0.0.1:1"]).unwrap_err();
        assert_eq!(error, format!("{unreachable}{refused}"));
    }
    let error = run(&["--validate", "--kubeconfig", "/none"]).unwrap_err();
    assert_eq!(error, format!("{unreachable}stat /none: no such file or directory\n"));
}

/// As Helm takes them.
#[test]
fn flags_about_logs_and_an_empty_folder_change_nothing() {
    let chart = cases().join("alias_twice/chart").to_string_lossy().into_owned();
    let plain = printed(&["template", &chart]);
    assert!(plain.is_ok());
    for flags in [
        &["--v=4"][..],
        &["-v", "4"],
        &["--logtostderr", "--alsologtostderr=false", "--skip-headers", "--one-output"],
        &["--stderrthreshold=ERROR", "--vmodule=a=1", "--log-dir=/x", "--log-file-max-size", "3"],
        &["--output-dir="],
        &["--output-dir", ""],
    ] {
        assert_eq!(printed(&[&["template", &chart], flags].concat()), plain, "{flags:?}");
    }
}

/// As Helm answered them.
#[test]
fn hosts_are_looked_up_if_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    let chart = folder.path().to_string_lossy().into_owned();
    let run = |host: &str, flags: &[&str]| {
        let text = format!("{{{{ getHostByName \"{host}\" }}}}");
        fs::write(folder.path().join("templates/a.yaml"), format!("a: \"{text}\"\n")).unwrap();
        printed(&[&["template", &chart], flags].concat())
    };
    let source = "---\n# Source: c/templates/a.yaml\n";
    assert_eq!(run("127.0.0.1", &[]), Ok(format!("{source}a: \"\"\n")));
    assert_eq!(run("127.0.0.1", &["--enable-dns"]), Ok(format!("{source}a: \"127.0.0.1\"\n")));
    let at = "template: c/templates/a.yaml:1:7: executing \"c/templates/a.yaml\" at <getHostByName \"\">";
    assert_eq!(
        run("", &["--enable-dns"]),
        Err(format!(
            "Error: {at}: error calling getHostByName: invalid argument to Intn\n\nUse --debug flag to render out \
             invalid YAML\n"
        ))
    );
}

/// As Helm answered them, of the chart that `helm package --sign` made.
#[test]
fn a_chart_is_used_only_if_it_is_what_was_signed() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../belay-source/src/signature/cases/charts");
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| fs::copy(cases.join(from), folder.path().join(to)).unwrap();
    let run = |chart: &str, ring: &str| {
        let chart = folder.path().join(chart).to_string_lossy().into_owned();
        let ring = cases.join(ring).to_string_lossy().into_owned();
        printed(&["template", &chart, "--verify", "--keyring", &ring])
    };
    let refused = |what: &str| Err(format!("Error: {what}\n"));
    copy("c-1.0.0.tgz", "c-1.0.0.tgz");
    let beside = folder.path().join("c-1.0.0.tgz.prov").display().to_string();
    let missing = format!("stat {beside}: no such file or directory");
    let unread = format!("could not load provenance file {beside}: {missing}");
    assert_eq!(run("c-1.0.0.tgz", "ada.gpg"), refused(&unread));
    copy("c-1.0.0.tgz.prov", "c-1.0.0.tgz.prov");
    for ring in ["ada.gpg", "ada.asc"] {
        assert!(run("c-1.0.0.tgz", ring).unwrap().contains("# Source: c/templates/a.yaml"), "{ring}");
    }
    assert_eq!(run("c-1.0.0.tgz", "bob.gpg"), refused("openpgp: signature made by unknown entity"));
    let no_ring = cases.join("none").display().to_string();
    let unread = format!("failed to load keyring: open {no_ring}: no such file or directory");
    assert_eq!(run("c-1.0.0.tgz", "none"), refused(&unread));
    copy("c-1.0.0.tgz", "x-1.0.0.tgz");
    copy("c-1.0.0.tgz.prov", "x-1.0.0.tgz.prov");
    let nameless = "provenance does not contain a SHA for a file named \"x-1.0.0.tgz\"";
    assert_eq!(run("x-1.0.0.tgz", "ada.gpg"), refused(nameless));
    fs::write(folder.path().join("c-1.0.0.tgz"), "another").unwrap();
    let error = run("c-1.0.0.tgz", "ada.gpg").unwrap_err();
    assert!(
        error.starts_with("Error: sha256 sum does not match for c-1.0.0.tgz: \"sha256:f7682cd6"),
        "{error}"
    );
    assert_eq!(run(".", "ada.gpg"), refused("unpacked charts cannot be verified"));

    let archive = || fs::read(cases.join("c-1.0.0.tgz")).unwrap();
    let signed = fs::read(cases.join("c-1.0.0.tgz.prov")).unwrap();
    let files = vec![("/c-1.0.0.tgz", archive()), ("/c-1.0.0.tgz.prov", signed), ("/bare.tgz", archive())];
    let address = served::serve(files, None);
    let settings = folder.path().join("repositories.yaml").display().to_string();
    let ring = cases.join("ada.gpg").display().to_string();
    let fetch = |name: &str| {
        let address = format!("{address}/{name}");
        let flags = ["--verify", "--keyring", &ring, "--repository-config", &settings];
        printed(&[&["show", "chart", &address], &flags[..]].concat())
    };
    assert_eq!(fetch("c-1.0.0.tgz"), Ok("apiVersion: v2\nname: c\nversion: 1.0.0\n\n".to_owned()));
    assert_eq!(
        fetch("bare.tgz"),
        refused(&format!("failed to fetch provenance \"{address}/bare.tgz.prov\""))
    );
}

#[test]
fn what_is_not_done_is_named() {
    let error = printed(&["template", "--post-renderer=cat", "chart"]).unwrap_err();
    assert!(error.contains("--post-renderer"), "{error}");
    let error = printed(&["dependency", "build", "--verify"]).unwrap_err();
    assert!(error.contains("--verify"), "{error}");
    assert!(printed(&["template", "oci://example.com/chart"]).unwrap_err().contains("oci://"));
    assert_eq!(printed(&["show", "chart", "./none"]), Err("Error: path \"./none\" not found\n".to_owned()));
}
