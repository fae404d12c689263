//! Flux's source-controller and kustomize-controller.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::published::Published;
use crate::apiserver::free_ports;
use crate::process::Process;

/// Of the 1.9 line, which Flux 2.9.5 ships, the newest whose requirements can be had, or nearly.
const SOURCE: Published = Published {
    name: "source-controller",
    module: "github.com/fluxcd/source-controller",
    version: "v1.9.6",
    package: ".",
    flags: "",
    nested: &["github.com/fluxcd/source-controller/api"],
    instead: &[("github.com/fluxcd/pkg/artifact", "v0.18.1")],
};
const KUSTOMIZE: Published = Published {
    name: "kustomize-controller",
    module: "github.com/fluxcd/kustomize-controller",
    version: "v1.9.5",
    package: ".",
    flags: "",
    nested: &["github.com/fluxcd/kustomize-controller/api"],
    instead: &[],
};

/// The built controllers.
pub(crate) struct Flux {
    source: PathBuf,
    kustomize: PathBuf,
}

/// How they are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    /// As shipped.
    Shipped,
    /// For many objects at once, as Flux's documentation advises.
    Tuned,
}

impl Flux {
    /// Builds what the cache does not hold.
    pub(crate) fn build() -> Result<Flux> {
        Ok(Flux { source: SOURCE.build()?, kustomize: KUSTOMIZE.build()? })
    }

    /// What is run, for reports.
    pub(crate) fn versions() -> String {
        format!("{}, {}", SOURCE.told(), KUSTOMIZE.told())
    }

    /// The folders of the binaries.
    pub(crate) fn binaries(&self) -> [&Path; 2] {
        [&self.source, &self.kustomize]
    }

    /// Starts both; the definitions must be there. `folder` holds artifacts and logs, `memory` what they
    /// unpack.
    pub(crate) fn start(
        &self,
        kubeconfig: &Path,
        folder: &Path,
        memory: &Path,
        settings: Settings,
    ) -> Result<Vec<Process>> {
        let storage = folder.join("storage");
        fs::create_dir_all(&storage)?;
        let ports = free_ports(5)?;
        let address = |position: usize| format!("127.0.0.1:{}", ports[position]);
        let mut source = controller(&self.source, kubeconfig, memory, &address(0), &address(1))?;
        source
            .arg(format!("--storage-path={}", storage.display()))
            .arg(format!("--storage-addr={}", address(2)))
            .arg(format!("--storage-adv-addr={}", address(2)));
        let mut kustomize = controller(&self.kustomize, kubeconfig, memory, &address(3), &address(4))?;
        // As `flux install` sets it beside a maker of such artifacts.
        kustomize.arg("--feature-gates=ExternalArtifact=true");
        if settings == Settings::Tuned {
            source.arg("--concurrent=10");
            kustomize.args(["--concurrent=20", "--concurrent-ssa=16"]);
        }
        Ok(vec![
            Process::start(SOURCE.name, folder, &mut source)?,
            Process::start(KUSTOMIZE.name, folder, &mut kustomize)?,
        ])
    }
}

/// What both take: no leader election, no receiver of events.
fn controller(
    binary: &Path,
    kubeconfig: &Path,
    memory: &Path,
    metrics: &str,
    health: &str,
) -> Result<Command> {
    fs::create_dir_all(memory)?;
    let mut command = Command::new(binary);
    command
        .args(["--watch-all-namespaces", "--log-level=info"])
        .arg(format!("--metrics-addr={metrics}"))
        .arg(format!("--health-addr={health}"))
        .env("KUBECONFIG", kubeconfig)
        .env("RUNTIME_NAMESPACE", "flux-system")
        .env("TMPDIR", memory)
        .env("GOMEMLIMIT", "1GiB");
    Ok(command)
}
