//! The server over the cluster that KUBECONFIG names, without controllers and without what Git says.
//!
//! `cargo run -p belay-server --example cluster -- 127.0.0.1:8080`, then open the printed address.

use std::sync::Arc;

use belay_cluster::{Belonging, Kinds, LiveState, connect};
use belay_manifest::Secret;
use belay_server::{LiveEngine, LiveSettings, NothingDesired, Settings, router, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    let client = connect(None).await?;
    // Custom resources are read whole; of the rest a part is enough to show it.
    let belonging = |object: &belay_manifest::Object| match object.api_version().contains('.') {
        true => Belonging::Whole,
        false => Belonging::Nobody,
    };
    let live = LiveState::new(client.clone(), Kinds::new(client), belonging);
    let settings = LiveSettings { argocd_namespace: "argocd".to_owned(), argo: true, flux: true };
    let engine = Arc::new(LiveEngine::start(live, Arc::new(NothingDesired), settings));
    let settings = Settings {
        token: Secret::new("example".to_owned()),
        hosts: Vec::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    #[expect(clippy::print_stdout, reason = "the address is what a person runs this for")]
    {
        println!("http://{}/#token=example", listener.local_addr()?);
    }
    serve(listener, router(engine, settings), async {
        // Without a signal it runs until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    Ok(())
}
