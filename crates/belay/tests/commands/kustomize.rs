//! `belay kustomize build`: of bases in Git, over HTTP, and with flags written as Go programs read them.

use std::path::Path;
use std::process::Output;

use belay_testkit::{Author, Change, GitServer, GitServerOptions};
use tokio::process::Command;

const LIBRARY: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: library\n";

/// Repositories `library`, and `base` with the first in it as a submodule whose URL is relative.
async fn repositories(folder: &Path) -> GitServer {
    let server = GitServer::start(GitServerOptions::new(folder)).await.expect("it starts");
    let author = Author::new("Ada", "ada@example.com");
    let library = server.create_repository("library.git").expect("it is new");
    let files =
        [Change::write("kustomization.yaml", "resources: [map.yaml]\n"), Change::write("map.yaml", LIBRARY)];
    let commit = library.commit(&files, "First", &author).expect("it is written");
    let base = server.create_repository("base.git").expect("it is new");
    let modules = "[submodule \"library\"]\n\tpath = parts/library\n\turl = ../library.git\n";
    let files = [
        Change::write(".gitmodules", modules),
        Change::Submodule { path: "parts/library".to_owned(), commit },
        Change::write("app/kustomization.yaml", "resources: [../parts/library]\nnamePrefix: my-\n"),
    ];
    base.commit(&files, "First", &author).expect("it is written");
    server
}

async fn build(folder: &Path, kustomization: &str, flags: &[&str]) -> Output {
    let overlay = folder.join("overlay");
    std::fs::create_dir_all(&overlay).expect("a folder");
    std::fs::write(overlay.join("kustomization.yaml"), kustomization).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_belay"));
    command.args(["kustomize", "build"]).arg(&overlay).args(flags);
    command.env("XDG_CACHE_HOME", folder.join("cache")).output().await.expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_in_git_comes_with_its_submodules_unless_the_url_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let server = repositories(&folder.path().join("git")).await;
    let base = server.url_of("base.git");
    let built = build(folder.path(), &format!("resources: ['{base}//app?ref=main']\n"), &[]).await;
    assert_eq!(text(&built.stdout), LIBRARY.replace("library", "my-library"), "{}", text(&built.stderr));

    let without = format!("resources: ['{base}//app?ref=main&submodules=false']\n");
    let built = build(folder.path(), &without, &[]).await;
    assert_eq!(built.status.code(), Some(1));
    assert!(text(&built.stderr).contains("parts/library"), "{}", text(&built.stderr));

    let built = build(folder.path(), &without, &["--no-remote-bases"]).await;
    assert_eq!(built.status.code(), Some(1));
    assert!(text(&built.stderr).contains("remote"), "{}", text(&built.stderr));
}

#[tokio::test]
async fn flags_are_read_as_the_original_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("map.yaml"), LIBRARY).unwrap();
    let kustomization = "resources: [../map.yaml]\n";
    let restricted = build(folder.path(), kustomization, &["--load-restrictor="]).await;
    assert_eq!(restricted.status.code(), Some(1));
    let flags = [
        "--load-restrictor=",
        "--load-restrictor",
        "LoadRestrictionsNone",
        "--enable-helm=false",
        "--enable-exec=F",
    ];
    let flags = [&flags[..], &["--stack-trace", "--stack-trace=0", "--output=", "-e", "-x"]].concat();
    let built = build(folder.path(), kustomization, &flags).await;
    assert_eq!(
        (text(&built.stdout).as_str(), built.status.code()),
        (LIBRARY, Some(0)),
        "{}",
        text(&built.stderr)
    );
}

#[tokio::test]
async fn wrong_usage_ends_with_the_originals_code() {
    let folder = tempfile::tempdir().unwrap();
    for flags in
        [&["--nonsense"][..], &["--enable-helm=x"], &["--load-restrictor", "none"], &["more", "folders"]]
    {
        let built = build(folder.path(), "namePrefix: a-\n", flags).await;
        assert_eq!((text(&built.stdout).as_str(), built.status.code()), ("", Some(1)), "{flags:?}");
    }
}
