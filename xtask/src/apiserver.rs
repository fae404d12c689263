//! A real kube-apiserver and etcd on loopback, without root or Docker.
//!
//! Binaries are built once from `tests/apiserver` with the Go toolchain, into a cache folder keyed
//! by that module's `go.mod`, `go.sum` and sources.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// Kubernetes' version, as the API server is to report it.
const VERSION: &str = "v1.34.4";
/// How long a process may take to end when it is asked to.
const ENDS: Duration = Duration::from_secs(20);
/// How long the API server may take to be ready.
const READY: Duration = Duration::from_secs(90);
/// What a server consists of, and what talks to it.
const SERVER: [&str; 3] = ["etcd", "kube-apiserver", "kubectl"];
/// What may have been started, in the order in which it ends.
const SERVER_PROCESSES: [&str; 4] = ["kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"];

/// `cargo xtask apiserver …`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build what is missing; print the folder of the binaries.
    Build {
        /// Also kube-controller-manager.
        #[arg(long)]
        controller_manager: bool,
        /// Also kube-scheduler.
        #[arg(long)]
        scheduler: bool,
        /// Also kube-controller-manager and kube-scheduler.
        #[arg(long)]
        all: bool,
    },
    /// Start etcd and kube-apiserver; print the kubeconfig's path when it is ready.
    Up {
        /// Where state, keys and the kubeconfig go.
        #[arg(long, default_value = "build/apiserver")]
        dir: PathBuf,
        /// Also start kube-controller-manager: garbage collection, namespaces that end, Deployments'
        /// ReplicaSets, service accounts.
        #[arg(long)]
        controller_manager: bool,
        /// Also start kube-scheduler: it gives Pods a node, where there are Nodes.
        #[arg(long)]
        scheduler: bool,
    },
    /// Stop what `up` started.
    Down {
        /// The folder given to `up`.
        #[arg(long, default_value = "build/apiserver")]
        dir: PathBuf,
    },
    /// Print the path of the kubeconfig.
    Kubeconfig {
        /// The folder given to `up`.
        #[arg(long, default_value = "build/apiserver")]
        dir: PathBuf,
    },
}

/// What runs beside the API server when it is asked for; each is built only then.
#[derive(Clone, Copy)]
struct Beside {
    controller_manager: bool,
    scheduler: bool,
}

impl Beside {
    fn binaries(self) -> Vec<&'static str> {
        let mut binaries = SERVER.to_vec();
        if self.controller_manager {
            binaries.push("kube-controller-manager");
        }
        if self.scheduler {
            binaries.push("kube-scheduler");
        }
        binaries
    }
}

/// Runs one of the commands.
pub(crate) fn run(root: &Path, command: Command) -> Result<()> {
    match command {
        Command::Build { controller_manager, scheduler, all } => {
            let beside =
                Beside { controller_manager: controller_manager || all, scheduler: scheduler || all };
            let folder = build(root, &beside.binaries())?;
            crate::print(&folder.display().to_string());
        }
        Command::Up { dir, controller_manager, scheduler } => {
            let beside = Beside { controller_manager, scheduler };
            let (kubeconfig, _) = up(root, &std::path::absolute(dir)?, beside)?;
            crate::print(&kubeconfig.display().to_string());
        }
        Command::Down { dir } => down(&std::path::absolute(dir)?)?,
        Command::Kubeconfig { dir } => {
            crate::print(&std::path::absolute(dir)?.join("kubeconfig").display().to_string());
        }
    }
    Ok(())
}

/// Builds the binaries, if they are not in the cache, and gives their folder.
fn build(root: &Path, wanted: &[&str]) -> Result<PathBuf> {
    let module = root.join("tests/apiserver");
    let folder = cache_folder()?.join(format!("apiserver-{VERSION}-{}", fingerprint(&module)?));
    fs::create_dir_all(&folder)?;
    for name in wanted {
        let binary = folder.join(name);
        if binary.is_file() {
            continue;
        }
        crate::report(&format!("building {name} {VERSION} (once; minutes on a cold cache)"));
        build_one(&module, name, &binary)?;
    }
    Ok(folder)
}

fn build_one(module: &Path, name: &str, binary: &Path) -> Result<()> {
    let version = "k8s.io/component-base/version";
    let flags =
        format!("-s -w -X {version}.gitVersion={VERSION} -X {version}.gitMajor=1 -X {version}.gitMinor=34");
    go_build(module, &format!("./cmd/{name}"), &flags, binary)
}

/// Builds a program of the module; a binary that is there is whole.
pub(crate) fn go_build(module: &Path, package: &str, flags: &str, binary: &Path) -> Result<()> {
    let unfinished = binary.with_extension("unfinished");
    let status = Process::new("go")
        .args(["build", "-ldflags", flags, "-o"])
        .arg(&unfinished)
        .arg(package)
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .status()
        .context("go cannot be started; install Go 1.24 or newer")?;
    if !status.success() {
        bail!("building {package} failed");
    }
    fs::rename(unfinished, binary)?;
    Ok(())
}

/// Where what is built once is kept.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("BELAY_CACHE") {
        return Ok(folder.into());
    }
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/belay"))
}

/// A name for the module's content, so that a stale binary is never used.
pub(crate) fn fingerprint(module: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in ["go.mod", "go.sum"] {
        fs::read(module.join(file))?.hash(&mut hasher);
    }
    let mut commands: Vec<PathBuf> = fs::read_dir(module.join("cmd"))?
        .map(|entry| Ok(entry?.path().join("main.go")))
        .collect::<Result<_>>()?;
    commands.sort();
    for file in commands {
        fs::read(file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// A server that ends with this.
pub(crate) struct RealServer {
    pub(crate) kubeconfig: PathBuf,
    /// Where kubectl is.
    pub(crate) binaries: PathBuf,
    /// Where its keys and logs are.
    pub(crate) dir: PathBuf,
    ports: Ports,
}

/// Where what was started listens, on loopback.
struct Ports {
    etcd: u16,
    etcd_peer: u16,
    secure: u16,
    controller_manager: u16,
    scheduler: u16,
}

impl Ports {
    fn free() -> Result<Ports> {
        let ports = free_ports(5)?;
        let [etcd, etcd_peer, secure, controller_manager, scheduler] = ports[..] else {
            bail!("no free ports")
        };
        Ok(Ports { etcd, etcd_peer, secure, controller_manager, scheduler })
    }
}

impl RealServer {
    /// Waits until the definitions that were applied are served, in discovery too.
    pub(crate) fn wait_for_definitions(&self) -> Result<()> {
        let start = Instant::now();
        // kubectl gives up on a definition that has no condition yet.
        while !self.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"])? {
            if start.elapsed() > READY {
                bail!("the definitions are not established");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        // Discovery follows within a second.
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<bool> {
        let output = Process::new(self.binaries.join("kubectl"))
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .output()?;
        Ok(output.status.success())
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.secure))
    }

    /// Keeps what etcd holds now. Meanwhile the API server has none.
    pub(crate) fn keep_backup(&self) -> Result<()> {
        end(&self.dir, "etcd", "TERM")?;
        copy(&self.dir.join("etcd"), &self.dir.join("backup"))?;
        self.start_etcd()
    }

    /// Ends everything as a failing machine would, and goes on with what was kept.
    pub(crate) fn restore_backup(&self) -> Result<()> {
        for name in SERVER_PROCESSES {
            end(&self.dir, name, "KILL")?;
        }
        copy(&self.dir.join("backup"), &self.dir.join("etcd"))?;
        self.start_etcd()?;
        start_apiserver(&self.binaries, &self.dir, self.ports.etcd, self.ports.secure)?;
        wait_until_ready(&self.binaries, &self.kubeconfig, &self.dir)?;
        let manager = self.ports.controller_manager;
        start_controller_manager(&self.binaries, &self.dir, &self.kubeconfig, manager)
    }

    fn start_etcd(&self) -> Result<()> {
        start_etcd(&self.binaries, &self.dir, self.ports.etcd, self.ports.etcd_peer)?;
        wait_for_port(self.ports.etcd, "etcd")
    }

    /// The processes that it consists of, by name.
    pub(crate) fn process(&self, name: &str) -> Result<u32> {
        let file = self.dir.join(format!("{name}.pid"));
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(text.trim().parse()?)
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // What cannot be stopped has ended.
        let _ = down(&self.dir);
    }
}

/// Starts one in the folder.
pub(crate) fn start(root: &Path, dir: &Path, controller_manager: bool) -> Result<RealServer> {
    let (kubeconfig, ports) = up(root, dir, Beside { controller_manager, scheduler: false })?;
    Ok(RealServer { kubeconfig, binaries: build(root, &SERVER)?, dir: dir.to_owned(), ports })
}

fn up(root: &Path, dir: &Path, beside: Beside) -> Result<(PathBuf, Ports)> {
    let binaries = build(root, &beside.binaries())?;
    down(dir)?;
    fs::create_dir_all(dir)?;
    let ports = Ports::free()?;
    let token = format!("{:032x}", rand::random::<u128>());
    write_keys(dir, &token)?;
    start_etcd(&binaries, dir, ports.etcd, ports.etcd_peer)?;
    wait_for_port(ports.etcd, "etcd")?;
    start_apiserver(&binaries, dir, ports.etcd, ports.secure)?;
    let kubeconfig = write_kubeconfig(dir, ports.secure, &token)?;
    wait_until_ready(&binaries, &kubeconfig, dir)?;
    if beside.controller_manager {
        start_controller_manager(&binaries, dir, &kubeconfig, ports.controller_manager)?;
    }
    if beside.scheduler {
        start_scheduler(&binaries, dir, &kubeconfig, ports.scheduler)?;
    }
    Ok((kubeconfig, ports))
}

/// Ports of loopback that nobody listens on.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>> {
    let listeners: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<std::io::Result<_>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn write_keys(dir: &Path, token: &str) -> Result<()> {
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "belay-test-ca");
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut server =
        CertificateParams::new(vec!["localhost".to_owned(), "kubernetes.default.svc".to_owned()])?;
    server.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    server.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::new(10, 96, 0, 1).into()));
    let server_key = KeyPair::generate()?;
    let server_certificate = server.signed_by(&server_key, &issuer)?;

    fs::write(dir.join("ca.crt"), authority_certificate.pem())?;
    fs::write(dir.join("api.crt"), server_certificate.pem())?;
    fs::write(dir.join("api.key"), server_key.serialize_pem())?;
    // The service accounts' key pair: any key the server can sign with.
    let accounts = KeyPair::generate()?;
    fs::write(dir.join("sa.key"), accounts.serialize_pem())?;
    fs::write(dir.join("sa.pub"), accounts.public_key_pem())?;
    fs::write(dir.join("tokens.csv"), format!("{token},admin,admin-uid,\"system:masters\"\n"))?;
    Ok(())
}

fn start_etcd(binaries: &Path, dir: &Path, client: u16, peer: u16) -> Result<()> {
    let client_url = format!("http://127.0.0.1:{client}");
    let peer_url = format!("http://127.0.0.1:{peer}");
    spawn(
        dir,
        "etcd",
        Process::new(binaries.join("etcd"))
            .arg(format!("--data-dir={}", dir.join("etcd").display()))
            .arg(format!("--listen-client-urls={client_url}"))
            .arg(format!("--advertise-client-urls={client_url}"))
            .arg(format!("--listen-peer-urls={peer_url}"))
            .arg(format!("--initial-advertise-peer-urls={peer_url}"))
            .arg(format!("--initial-cluster=default={peer_url}"))
            .arg("--quota-backend-bytes=8589934592")
            .arg("--log-level=warn"),
    )
}

fn start_apiserver(binaries: &Path, dir: &Path, etcd: u16, secure: u16) -> Result<()> {
    let file = |name: &str| dir.join(name).display().to_string();
    spawn(
        dir,
        "kube-apiserver",
        Process::new(binaries.join("kube-apiserver"))
            .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(format!("--secure-port={secure}"))
            .arg(format!("--tls-cert-file={}", file("api.crt")))
            .arg(format!("--tls-private-key-file={}", file("api.key")))
            .arg(format!("--client-ca-file={}", file("ca.crt")))
            .arg(format!("--token-auth-file={}", file("tokens.csv")))
            .args([
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.96.0.0/12",
                "--allow-privileged=true",
            ])
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!("--service-account-key-file={}", file("sa.pub")))
            .arg(format!("--service-account-signing-key-file={}", file("sa.key")))
            .args(["--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount"]),
    )
}

fn start_controller_manager(binaries: &Path, dir: &Path, kubeconfig: &Path, secure: u16) -> Result<()> {
    let file = |name: &str| dir.join(name).display().to_string();
    spawn(
        dir,
        "kube-controller-manager",
        Process::new(binaries.join("kube-controller-manager"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--cert-dir={}", file("controller-manager")))
            .args(["--bind-address=127.0.0.1", "--leader-elect=false"])
            .arg(format!("--secure-port={secure}"))
            .arg(format!("--service-account-private-key-file={}", file("sa.key")))
            .arg(format!("--root-ca-file={}", file("ca.crt")))
            .args(["--kube-api-qps=1000", "--kube-api-burst=2000"]),
    )
}

fn start_scheduler(binaries: &Path, dir: &Path, kubeconfig: &Path, secure: u16) -> Result<()> {
    let kubeconfig = kubeconfig.display();
    spawn(
        dir,
        "kube-scheduler",
        Process::new(binaries.join("kube-scheduler"))
            .arg(format!("--kubeconfig={kubeconfig}"))
            .arg(format!("--authentication-kubeconfig={kubeconfig}"))
            .arg(format!("--authorization-kubeconfig={kubeconfig}"))
            .arg(format!("--cert-dir={}", dir.join("scheduler").display()))
            .args(["--bind-address=127.0.0.1", "--leader-elect=false"])
            .arg(format!("--secure-port={secure}")),
    )
}

fn spawn(dir: &Path, name: &str, process: &mut Process) -> Result<()> {
    let log = File::create(dir.join(format!("{name}.log")))?;
    let child = process
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    fs::write(dir.join(format!("{name}.pid")), child.id().to_string())?;
    Ok(())
}

fn wait_for_port(port: u16, name: &str) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
        if start.elapsed() > READY {
            bail!("{name} did not listen within {} s", READY.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn write_kubeconfig(dir: &Path, port: u16, token: &str) -> Result<PathBuf> {
    let path = dir.join("kubeconfig");
    let authority = dir.join("ca.crt").display().to_string();
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "real",
        "clusters": [{"name": "real", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "certificate-authority": authority}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
    });
    fs::write(&path, serde_json::to_string_pretty(&config)?)?;
    Ok(path)
}

fn wait_until_ready(binaries: &Path, kubeconfig: &Path, dir: &Path) -> Result<()> {
    let start = Instant::now();
    loop {
        let answer = Process::new(binaries.join("kubectl"))
            .args(["get", "--raw", "/readyz"])
            .env("KUBECONFIG", kubeconfig)
            .output()?;
        let namespaces = Process::new(binaries.join("kubectl"))
            .args(["get", "namespace", "default"])
            .env("KUBECONFIG", kubeconfig)
            .output()?;
        if answer.status.success() && namespaces.status.success() {
            return Ok(());
        }
        if start.elapsed() > READY {
            bail!(
                "kube-apiserver is not ready after {} s; see {}",
                READY.as_secs(),
                dir.join("kube-apiserver.log").display()
            );
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn down(dir: &Path) -> Result<()> {
    for name in SERVER_PROCESSES {
        end(dir, name, "TERM")?;
    }
    for leftover in ["etcd", "backup", "kubeconfig"] {
        let path = dir.join(leftover);
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path.is_file() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Ends one of the processes, if it was started.
fn end(dir: &Path, name: &str, signal: &str) -> Result<()> {
    let file = dir.join(format!("{name}.pid"));
    let Ok(pid) = fs::read_to_string(&file) else {
        return Ok(());
    };
    // `kill` of the base system; an already dead process is no fault.
    let _ = Process::new("kill").args(["-s", signal, pid.trim()]).stderr(Stdio::null()).status();
    wait_for_end(pid.trim());
    fs::remove_file(file)?;
    Ok(())
}

/// Copies a folder to where nothing is left of another one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

/// An etcd that ends takes the file away that it would have written to next: by then it may be that of another one in the
/// same folder.
fn wait_for_end(pid: &str) {
    let deadline = Instant::now() + ENDS;
    while Instant::now() < deadline {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One of ours has ended when it is a zombie.
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        if matches!(state, None | Some('Z')) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
