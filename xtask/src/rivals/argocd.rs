//! Argo CD's application-controller and repo-server, with what they need beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::published::Published;
use crate::apiserver::{free_ports, go_build};
use crate::process::Process;

const ARGOCD: Published = Published {
    name: "argocd",
    module: "github.com/argoproj/argo-cd/v3",
    version: "v3.5.7",
    package: "./cmd",
    flags: "-X github.com/argoproj/argo-cd/v3/common.version=3.5.7",
    nested: &[],
    instead: &[],
};
/// The tag of Argo CD's repository from which its engine is taken: a folder of the repository that no
/// published module holds.
const ENGINE: &str = "v3.5.1";
const ENGINE_FOLDER: &str = "gitops-engine";
/// The versions that Argo CD's image ships.
const HELM: Published = Published {
    name: "helm",
    module: "helm.sh/helm/v4",
    version: "v4.2.1",
    package: "./cmd/helm",
    flags: "-X helm.sh/helm/v4/internal/version.version=v4.2.1",
    nested: &[],
    instead: &[],
};
const KUSTOMIZE: Published = Published {
    name: "kustomize",
    module: "sigs.k8s.io/kustomize/kustomize/v5",
    version: "v5.8.1",
    package: ".",
    flags: "-X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1",
    nested: &[],
    instead: &[],
};

/// What is built.
pub(crate) struct ArgoCd {
    argocd: PathBuf,
    redis: PathBuf,
    /// helm, kustomize and the script that verifies signatures.
    tools: PathBuf,
}

impl ArgoCd {
    /// Builds what the cache does not hold. `clone` is one of Argo CD's repository, and is not needed once
    /// the program is built.
    pub(crate) fn build(root: &Path, clone: Option<&Path>) -> Result<ArgoCd> {
        let argocd = ARGOCD.build_with(&["engine", ENGINE], |source| take_engine(clone, source))?;
        let folder = argocd.parent().context("a binary lies in a folder")?;
        let redis = folder.join("redis");
        if !redis.is_file() {
            go_build(&root.join("tests/rivals/redis"), ".", "-s -w", &redis)?;
        }
        Ok(ArgoCd { redis, tools: tools(folder)?, argocd })
    }

    /// What is run, for reports.
    pub(crate) fn versions() -> String {
        format!("{} (engine of {ENGINE}), {}, {}", ARGOCD.told(), HELM.told(), KUSTOMIZE.told())
    }

    /// The binary.
    pub(crate) fn binary(&self) -> &Path {
        &self.argocd
    }

    /// Starts Redis, repo-server and application-controller; definitions and settings must be there.
    pub(crate) fn start(&self, kubeconfig: &Path, folder: &Path, memory: &Path) -> Result<Vec<Process>> {
        let ports = free_ports(4)?;
        let redis_address = format!("127.0.0.1:{}", ports[0]);
        let redis = Process::start("redis", folder, Command::new(&self.redis).arg(&redis_address))?;
        let mut server = self.part("argocd-repo-server", kubeconfig, folder, memory)?;
        server
            .args(["--redis", &redis_address, "--address", "127.0.0.1", "--disable-tls", "--client-ca-path="])
            .args(["--port", &ports[1].to_string(), "--metrics-port", &ports[2].to_string()]);
        let mut controller = self.part("argocd-application-controller", kubeconfig, folder, memory)?;
        controller
            .args(["--redis", &redis_address, "--namespace", "argocd", "--repo-server-plaintext"])
            .args(["--repo-server", &format!("127.0.0.1:{}", ports[1])])
            .args(["--metrics-port", &ports[3].to_string()])
            // As Belay does; the shipped default keeps it in Redis, for its API server alone.
            .arg("--persist-resource-health");
        Ok(vec![
            redis,
            Process::start("argocd-repo-server", folder, &mut server)?,
            Process::start("argocd-application-controller", folder, &mut controller)?,
        ])
    }

    /// One of the programs that the binary is.
    fn part(&self, name: &str, kubeconfig: &Path, folder: &Path, memory: &Path) -> Result<Command> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(&self.argocd);
        command
            .env("PATH", format!("{}:{path}", self.tools.display()))
            .env("ARGOCD_BINARY_NAME", name)
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", folder);
        for (variable, place) in [
            ("TMPDIR", memory.to_owned()),
            ("ARGOCD_TLS_DATA_PATH", folder.join("tls")),
            ("ARGOCD_SSH_DATA_PATH", folder.join("ssh")),
            ("ARGOCD_GNUPGHOME", folder.join("gpg")),
            ("ARGOCD_PLUGINSOCKFILEPATH", folder.join("plugins")),
        ] {
            fs::create_dir_all(&place)?;
            command.env(variable, place);
        }
        Ok(command)
    }
}

/// What must be in the cluster before Argo CD's controller starts; its API server would make these.
pub(crate) const SETTINGS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd, app.kubernetes.io/name: argocd-cm}}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd, app.kubernetes.io/name: argocd-secret}}
stringData: {server.secretkey: not-a-secret, admin.password: none, admin.passwordMtime: "2026-01-01T00:00:00Z"}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
"#;

fn take_engine(clone: Option<&Path>, source: &Path) -> Result<()> {
    let Some(clone) = clone else {
        bail!(
            "Argo CD's engine is in no published module: give `cargo xtask rivals argocd` a --clone of its repository"
        )
    };
    let mut archive = Command::new("git")
        .arg("-C")
        .arg(clone)
        .args(["archive", ENGINE, ENGINE_FOLDER])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting git")?;
    let files = archive.stdout.take().context("git archive has no output")?;
    let status = Command::new("tar").arg("-x").arg("-C").arg(source).stdin(files).status()?;
    ensure!(archive.wait()?.success() && status.success(), "{} has no {ENGINE}", clone.display());
    Ok(())
}

/// A folder for the PATH.
fn tools(folder: &Path) -> Result<PathBuf> {
    let tools = folder.join("tools");
    fs::create_dir_all(&tools)?;
    for tool in [&HELM, &KUSTOMIZE] {
        let target = tools.join(tool.name);
        if !target.exists() {
            std::os::unix::fs::symlink(tool.build()?, target)?;
        }
    }
    // The image's script asks Git and swallows some of its errors; no scenario signs anything.
    let script = tools.join("git-verify-wrapper.sh");
    if !script.exists() {
        fs::write(&script, "#!/bin/sh\ngit verify-commit \"$1\" 2>&1 || true\n")?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(script, mode)?;
    }
    Ok(tools)
}
