//! The ways to a Git server, and what is shown on them: tokens, certificates of clients, proxies.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use belay_source::{
    Access, Checkout, CheckoutError, GitLimits, Login, Proxy, Repositories, Request, Revision, SecretText,
    Tls,
};
use belay_testkit::{Clients, GitServerOptions, HttpsServer, ServerCertificate};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use world::World;

/// A server before another one, that notes the head of each connection's first request.
struct Door {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Door {
    /// Lets those through whose first request `opens` lets in; others read what it says. A proxy's request names the server
    /// that it is for.
    async fn new(
        to: SocketAddr,
        opens: impl Fn(&str) -> Result<(), &'static str> + Send + Sync + 'static,
    ) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door { address: listener.local_addr().unwrap(), heads: Arc::default() };
        let (heads, opens) = (door.heads.clone(), Arc::new(opens));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heads, opens) = (heads.clone(), opens.clone());
                tokio::spawn(async move { let_in(stream, to, &heads, &*opens).await });
            }
        });
        door
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn let_in(
    mut stream: TcpStream,
    to: SocketAddr,
    heads: &Mutex<Vec<String>>,
    opens: &(dyn Fn(&str) -> Result<(), &'static str> + Send + Sync),
) -> Option<()> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&read).to_lowercase();
    heads.lock().unwrap().push(head.clone());
    if let Err(answer) = opens(&head) {
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return stream.write_all(answer.as_bytes()).await.ok();
    }
    let mut server = TcpStream::connect(to).await.ok()?;
    if head.starts_with("connect ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    } else {
        server.write_all(&read).await.ok()?;
    }
    copy_bidirectional(&mut stream, &mut server).await.ok().map(drop)
}

fn address_of(url: &str) -> SocketAddr {
    url.split('/').nth(2).unwrap().parse().unwrap()
}

async fn get(world: &World, url: &str, access: Access) -> Result<Checkout, CheckoutError> {
    world.store.checkout(&Request { access, ..Request::new(url, Revision::name("main")) }).await
}

#[tokio::test]
async fn a_token_is_shown_as_bearer_and_never_told() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let door = Door::new(address_of(&world.server.url()), |head| {
        let is_known = head.contains("authorization: bearer t0ken\r\n");
        if is_known { Ok(()) } else { Err("401 Unauthorized") }
    })
    .await;
    let url = format!("http://{}/app.git", door.address);
    let bearer =
        |token: &str| Access { login: Some(Login::Bearer(SecretText::new(token))), ..Access::default() };
    assert_eq!(get(&world, &url, bearer("t0ken")).await.unwrap().commit, commit);
    let error = get(&world, &url, bearer("0ther")).await.err().unwrap().message;
    assert!(error.contains("the server rejects the login") && !error.contains("0ther"), "{error}");
    let error = get(&world, &url, Access::default()).await.err().unwrap().message;
    assert!(error.contains("authentication required"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_to_who_asks_for_it() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let options = GitServerOptions::new(world.room.path().join("served"));
    let server = HttpsServer::start(options, ServerCertificate::Good, Clients::Certified).await.unwrap();
    let url = server.url_of("app");
    let (certificate, key) = server.client();
    let of = |certificate: &str, key: &str| {
        let tls = Tls {
            authorities: server.authority().to_owned(),
            certificate: certificate.to_owned(),
            key: SecretText::new(key),
            insecure: false,
        };
        Access { tls, ..Access::default() }
    };
    assert_eq!(get(&world, &url, of(certificate, key)).await.unwrap().commit, commit);
    assert!(get(&world, &url, of("", "")).await.is_err(), "nobody is let in without one");
    let error = get(&world, &url, of(certificate, "no key")).await.err().unwrap().message;
    assert!(error.contains("certificate") && !error.contains("no key"), "{error}");
}

#[tokio::test]
async fn a_proxy_is_gone_through_unless_the_server_is_excepted() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let url = world.server.url_of("app");
    let login = "proxy-authorization: basic ywrhonmzy3izda==\r\n";
    let proxy = Door::new(address_of(&url), move |head| {
        if head.contains(login) { Ok(()) } else { Err("407 Proxy Authentication Required") }
    })
    .await;
    let through = |login: &str, except: &str| {
        let url = SecretText::new(format!("http://{login}{}", proxy.address));
        Access { proxy: Some(Proxy { url, except: except.to_owned() }), ..Access::default() }
    };
    let fetched = get(&world, &url, through("ada:s3cr3t@", "git.example.org")).await;
    assert_eq!(fetched.unwrap().commit, commit);
    let heads = proxy.heads();
    assert!(
        heads.iter().all(|head| head.starts_with(&format!("get {url}/"))),
        "by the server's whole URL: {heads:?}"
    );
    let error = get(&world, &url, through("eve:wr0ng@", "")).await.err().unwrap().message;
    assert!(error.contains("407") && !error.contains("wr0ng"), "{error}");

    let known = proxy.heads().len();
    assert_eq!(get(&world, &url, through("eve:wr0ng@", "127.0.0.1")).await.unwrap().commit, commit);
    assert_eq!(proxy.heads().len(), known, "what is excepted is reached directly");
}

/// A SOCKS proxy that knows one login, and one name for the server behind it. Gives its address.
async fn socks(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(let_through(stream, to));
        }
    });
    address
}

/// RFC 1928, and RFC 1929 for the login.
async fn let_through(mut stream: TcpStream, to: SocketAddr) -> Option<()> {
    const WITH_LOGIN: u8 = 2;
    let methods = counted(&mut stream, 1).await?;
    methods.contains(&WITH_LOGIN).then_some(())?;
    stream.write_all(&[5, WITH_LOGIN]).await.ok()?;
    let (name, password) = (counted(&mut stream, 1).await?, counted(&mut stream, 0).await?);
    let is_known = name == b"ada" && password == b"s3cr3t";
    stream.write_all(&[1, u8::from(!is_known)]).await.ok()?;
    is_known.then_some(())?;
    // Version, "connect", nothing, "by name".
    let host = counted(&mut stream, 4).await?;
    let _port = stream.read_u16().await.ok()?;
    (host == b"git.example.org").then_some(())?;
    let mut server = TcpStream::connect(to).await.ok()?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    copy_bidirectional(&mut stream, &mut server).await.ok().map(drop)
}

/// So many bytes of no interest, then as many as the next one says.
async fn counted(stream: &mut TcpStream, before: usize) -> Option<Vec<u8>> {
    let mut skipped = vec![0; before];
    stream.read_exact(&mut skipped).await.ok()?;
    let mut counted = vec![0; usize::from(stream.read_u8().await.ok()?)];
    stream.read_exact(&mut counted).await.ok()?;
    Some(counted)
}

#[tokio::test]
async fn a_socks_proxy_looks_names_up_itself() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let server = address_of(&world.server.url());
    let url = format!("http://git.example.org:{}/app.git", server.port());
    let proxy = socks(server).await;
    let through = |login: &str| {
        let url = SecretText::new(format!("socks5://{login}{proxy}"));
        Access { proxy: Some(Proxy { url, except: String::new() }), ..Access::default() }
    };
    assert_eq!(get(&world, &url, through("ada:s3cr3t@")).await.unwrap().commit, commit);
    let error = get(&world, &url, through("eve:wr0ng@")).await.err().unwrap().message;
    assert!(error.contains(&url) && !error.contains("wr0ng"), "{error}");
}

#[tokio::test]
async fn a_proxy_sees_nothing_of_what_is_said_over_tls() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let options = GitServerOptions::new(world.room.path().join("served"));
    let server = HttpsServer::start(options, ServerCertificate::Good, Clients::Anybody).await.unwrap();
    let url = server.url_of("app");
    let proxy = Door::new(address_of(&url), |_head| Ok(())).await;
    let access = Access {
        login: Some(Login::Bearer(SecretText::new("t0ken"))),
        tls: Tls { authorities: server.authority().to_owned(), ..Tls::default() },
        proxy: Some(Proxy {
            url: SecretText::new(format!("http://{}", proxy.address)),
            except: String::new(),
        }),
        ..Access::default()
    };
    assert_eq!(get(&world, &url, access).await.unwrap().commit, commit);
    let heads = proxy.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(
            head.starts_with(&format!("connect {} ", address_of(&url))) && !head.contains("t0ken"),
            "{head}"
        );
    }
}
