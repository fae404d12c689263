//! `belay localkube`: how it starts, and how it fails to.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_flag_or_a_used_port_ends_it_with_1() {
    let world = World::empty().await;
    let folder = world.folder.path().join("second").display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (words, expected) in [
        (
            vec!["localkube", "--dir", &folder, "--nonsense"],
            ["unexpected argument '--nonsense'", "\nhint: `belay localkube --help` tells what it takes\n"],
        ),
        (
            vec!["localkube", "--dir", &folder, "--port", &port],
            [&port, "\nhint: another process listens there; port 0 takes a free one\n"],
        ),
    ] {
        let ended = world.belay(&words).await;
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.starts_with("error: "), "{}", ended.err);
        expected.iter().for_each(|expected| assert!(ended.err.contains(expected), "{}", ended.err));
    }
    assert_eq!(world.belay(&["localkube", "--help"]).await.code, 0);
}
