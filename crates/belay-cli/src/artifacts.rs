//! The server of Flux's artifacts, on an address of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use belay_source::{ArtifactStore, artifact_router};
use tokio::net::TcpListener;

/// A server that listens and does not answer yet.
pub(crate) struct Artifacts {
    /// The host and port that artifacts' URLs name.
    pub(crate) advertised: String,
    listener: TcpListener,
}

impl Artifacts {
    /// Listens. Without an advertised address URLs name the one that is listened on.
    pub(crate) async fn listen(address: SocketAddr, advertised: Option<String>) -> anyhow::Result<Artifacts> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))?;
        let own = reachable(listener.local_addr()?).to_string();
        Ok(Artifacts { advertised: advertised.unwrap_or(own), listener })
    }

    /// Answers until the future is dropped.
    pub(crate) async fn serve(self, store: ArtifactStore) -> anyhow::Result<()> {
        let routes = artifact_router(store);
        let served = belay_server::serve(self.listener, routes, std::future::pending()).await;
        served.context("the artifact server ended")
    }
}

/// An address that can be connected to, for one that stands for all of the machine's.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn urls_name_an_address_that_can_be_reached() {
        let any = "0.0.0.0:0".parse().unwrap();
        let own = Artifacts::listen(any, None).await.unwrap();
        assert!(own.advertised.starts_with("127.0.0.1:"), "{}", own.advertised);
        let named = Artifacts::listen(any, Some("source-controller.flux-system".to_owned())).await.unwrap();
        assert_eq!(named.advertised, "source-controller.flux-system");
    }
}
