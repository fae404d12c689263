//! The server over a handful of made-up apps of both families: for work on the UI.
//!
//! `cargo run -p belay-server --example small -- 127.0.0.1:8080 10000`, then open the printed address;
//! the number, which may be left out, adds as many more apps.

use std::sync::Arc;
use std::time::Duration;

use belay_manifest::Secret;
use belay_server::{Settings, router, serve};
use tokio::net::TcpListener;

#[path = "../tests/made_up/mod.rs"]
mod made_up;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let more = std::env::args().nth(2).map_or(Ok(0), |more| more.parse())?;
    let listener = TcpListener::bind(address).await?;
    let engine = Arc::new(made_up::MadeUp::new(more));
    let settings = Settings {
        token: Secret::new("made-up".to_owned()),
        hosts: Vec::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    #[expect(clippy::print_stdout, reason = "the address is what a person runs this for")]
    {
        println!("http://{}/#token=made-up", listener.local_addr()?);
    }
    let ticking = engine.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            ticking.tick();
        }
    });
    serve(listener, router(engine, settings), async {
        // Without a signal it runs until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    Ok(())
}
