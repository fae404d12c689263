//! What `helm template` and `helm show` said of the same repository: `helm template --repo ADDRESS db` and so on.

use std::fs;
use std::path::Path;

use super::super::load_place;
use super::super::served::serve;
use super::*;

const INDEX: &str = "apiVersion: v1
entries:
  db:
  - {name: db, version: 1.2.0, urls: [charts/db-1.2.0.tgz]}
  - {name: db, version: 1.10.0, urls: [charts/db-1.10.0.tgz]}
  - {name: db, version: 2.0.0-rc.1, urls: [charts/db-2.0.0-rc.1.tgz]}
  bare:
  - {name: bare, version: 1.0.0}
  lost:
  - {name: lost, version: 1.0.0, urls: [charts/lost-1.0.0.tgz]}
";

/// `user:pass`
const LOGIN: &str = "Basic dXNlcjpwYXNz";

fn archive(version: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("apiVersion: v2\nname: db\nversion: {version}\n");
    fs::write(folder.path().join("Chart.yaml"), text).unwrap();
    load_place(folder.path()).unwrap().to_archive().unwrap()
}

fn repository(login: Option<&'static str>) -> String {
    let files = vec![
        ("/index.yaml", INDEX.as_bytes().to_vec()),
        ("/charts/db-1.2.0.tgz", archive("1.2.0")),
        ("/charts/db-1.10.0.tgz", archive("1.10.0")),
        ("/charts/db-2.0.0-rc.1.tgz", archive("2.0.0-rc.1")),
        ("/empty/index.yaml", b" ".to_vec()),
    ];
    serve(files, login)
}

/// The version of the chart that is found, or what is said.
fn found(arguments: &ChartArguments, reference: &str, settings: &Settings) -> String {
    let loaded = arguments.locate(reference, settings).and_then(|located| located.load_any_version());
    loaded.map_or_else(|error| format!("Error: {error}"), |chart| chart.metadata.version)
}

fn in_repository(address: &str, version: &str) -> ChartArguments {
    ChartArguments { repo: address.to_owned(), version: version.to_owned(), ..ChartArguments::default() }
}

#[test]
fn a_chart_of_a_repository_is_found_by_its_version() {
    let address = repository(None);
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::below(folder.path());
    let find = |version: &str, chart: &str| found(&in_repository(&address, version), chart, &settings);
    assert_eq!(find("", "db"), "1.10.0");
    assert_eq!(find("^1", "db"), "1.10.0");
    assert_eq!(find("~1.2", "db"), "1.2.0");
    assert_eq!(find("1.2", "db"), "1.2.0");
    assert_eq!(find("2.0.0-rc.1", "db"), "2.0.0-rc.1");
    let devel = ChartArguments { devel: true, ..in_repository(&address, "") };
    assert_eq!(found(&devel, "db", &settings), "2.0.0-rc.1");
    let missing = |what: &str| format!("Error: {what} not found in {address} repository");
    assert_eq!(find("9", "db"), missing("chart \"db\" version \"9\""));
    assert_eq!(find("a b", "db"), missing("chart \"db\" version \"a b\""));
    assert_eq!(find("", "none"), missing("chart \"none\""));
    assert_eq!(find("", "bare"), "Error: chart \"bare\" has no downloadable URLs");
    let lost = format!("Error: failed to fetch {address}/charts/lost-1.0.0.tgz : 404 Not Found");
    assert_eq!(find("", "lost"), lost);
    let elsewhere = in_repository(&format!("{address}/missing"), "");
    assert_eq!(
        found(&elsewhere, "db", &settings),
        format!(
            "Error: looks like \"{address}/missing\" is not a valid chart repository or cannot be reached: failed to \
             fetch {address}/missing/index.yaml : 404 Not Found"
        )
    );
}

#[test]
fn a_password_is_told_to_the_repository_alone() {
    let elsewhere = serve(vec![("/db-1.2.0.tgz", archive("1.2.0"))], Some(LOGIN));
    let index = format!(
        "apiVersion: v1\nentries:\n  db:\n  - {{version: 1.2.0, urls: ['{elsewhere}/db-1.2.0.tgz']}}\n  \
         near:\n  - {{version: 1.10.0, urls: [db-1.10.0.tgz]}}\n"
    );
    let files = vec![("/index.yaml", index.into_bytes()), ("/db-1.10.0.tgz", archive("1.10.0"))];
    let own = serve(files, Some(LOGIN));
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::below(folder.path());
    let mut arguments = in_repository(&own, "");
    assert!(found(&arguments, "near", &settings).ends_with("/index.yaml : 401 Unauthorized"));
    (arguments.username, arguments.password) = ("user".to_owned(), "pass".to_owned());
    assert_eq!(found(&arguments, "near", &settings), "1.10.0");
    let refused = format!("Error: failed to fetch {elsewhere}/db-1.2.0.tgz : 401 Unauthorized");
    assert_eq!(found(&arguments, "db", &settings), refused);
    arguments.pass_credentials = true;
    assert_eq!(found(&arguments, "db", &settings), "1.2.0");
}

fn name_repository(folder: &Path, address: &str) {
    let entry = format!("{{name: r, url: '{address}', username: user, password: pass}}");
    fs::write(folder.join("repositories.yaml"), format!("repositories:\n- {entry}\n- {{name: q}}\n"))
        .unwrap();
    fs::create_dir_all(folder.join("repository")).unwrap();
    fs::write(folder.join("repository/r-index.yaml"), INDEX).unwrap();
    fs::write(folder.join("repository/q-index.yaml"), "apiVersion: v1\n").unwrap();
}

#[test]
fn a_chart_of_a_repository_with_a_name_is_found_by_the_index_that_helm_keeps() {
    let address = repository(Some(LOGIN));
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::below(folder.path());
    let find = |version: &str, chart: &str| found(&in_repository("", version), chart, &settings);
    assert_eq!(find("", "r/db"), "Error: repo r not found");
    name_repository(folder.path(), &address);
    assert_eq!(find("", "r/db"), "1.10.0");
    assert_eq!(find("~1.2", "r/db"), "1.2.0");
    let missing = "not found in r index. (try 'helm repo update'): no chart";
    assert_eq!(find("9", "r/db"), format!("Error: chart \"db\" matching 9 {missing} version found for db-9"));
    assert_eq!(find("", "r/none"), format!("Error: chart \"none\" matching  {missing} name found"));
    assert_eq!(find("", "r/bare"), "Error: chart \"r/bare\" has no downloadable URLs");
    assert_eq!(find("", "q/db"), "Error: no URL found for repository q");
    assert_eq!(
        find("", "db"),
        "Error: non-absolute URLs should be in form of repo_name/path_to_chart, got: db"
    );
    fs::remove_file(folder.path().join("repository/r-index.yaml")).unwrap();
    let kept = folder.path().join("repository/r-index.yaml");
    let gone = format!(
        "Error: no cached repo found. (try 'helm repo update'): open {}: no such file or directory",
        kept.display()
    );
    assert_eq!(find("", "r/db"), gone);
    assert_eq!(find("", &format!("{address}/charts/db-1.2.0.tgz")), gone);
}

#[test]
fn a_chart_that_helm_fetched_before_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    name_repository(folder.path(), "http://127.0.0.1:1");
    let digest = "ab".repeat(32);
    let index = format!(
        "apiVersion: v1\nentries: {{db: [{{version: 1.0.0, urls: [d.tgz], digest: 'sha256:{digest}'}}]}}"
    );
    fs::write(folder.path().join("repository/r-index.yaml"), index).unwrap();
    let settings = Settings::below(folder.path());
    let find = || found(&in_repository("", ""), "r/db", &settings);
    let refused =
        "Error: Get \"http://127.0.0.1:1/d.tgz\": dial tcp 127.0.0.1:1: connect: connection refused";
    assert_eq!(find(), refused);
    fs::create_dir_all(folder.path().join("content/ab")).unwrap();
    fs::write(folder.path().join(format!("content/ab/{digest}.chart")), archive("1.0.0")).unwrap();
    assert_eq!(find(), "1.0.0");
}

#[test]
fn a_chart_at_an_address_is_fetched() {
    let address = repository(None);
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::below(folder.path());
    let find = |reference: &str| found(&ChartArguments::default(), reference, &settings);
    assert_eq!(find(&format!("{address}/charts/db-1.2.0.tgz")), "1.2.0");
    let none = format!("{address}/charts/none.tgz");
    assert_eq!(find(&none), format!("Error: failed to fetch {none} : 404 Not Found"));
    assert_eq!(find("ftp://127.0.0.1:1/x.tgz"), "Error: scheme \"ftp\" not supported");
    assert_eq!(
        find("http://127.0.0.1:1"),
        "Error: non-absolute URLs should be in form of repo_name/path_to_chart, got: http://127.0.0.1:1"
    );
    assert!(find("oci://127.0.0.1:1/x").contains("OCI is not supported yet"));
    let other = in_repository("ftp://127.0.0.1:1", "");
    assert_eq!(found(&other, "x", &settings), "Error: could not find protocol handler for: ftp");
    let closed = in_repository("http://127.0.0.1:1", "");
    assert_eq!(
        found(&closed, "x", &settings),
        "Error: looks like \"http://127.0.0.1:1\" is not a valid chart repository or cannot be reached: Get \
         \"http://127.0.0.1:1/index.yaml\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}
