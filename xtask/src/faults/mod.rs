//! `cargo xtask faults`: both families' apps on a real API server, behind a proxy in which requests come to grief; with
//! Belay killed, with a replica that is stopped for longer than its Lease, with etcd from an older backup. When the
//! troubles are over everything has to become as Git says, and then nothing may be written any more.

mod estate;
mod proxy;
mod schedule;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::apiserver::{self, RealServer};
use crate::process::{Process, Usage, usage};

use estate::Estate;
use proxy::{Asked, Proxy};
use schedule::{Met, Schedule};

/// How long everything may take to become as Git says.
const PATIENCE: Duration = Duration::from_secs(180);
/// How much more than before troubles a process may hold when they are over: connections that say nothing end later.
const MORE_MEGABYTES: u64 = 64;
const MORE_DESCRIPTORS: usize = 64;
/// How long a Lease counts, as it is given to replicas.
const LEASE: Duration = Duration::from_secs(4);

/// How many runs, and how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Belay's binary.
    #[arg(long, default_value = "target/debug/belay")]
    belay: PathBuf,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How long troubles last, each time.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    seconds: u64,
    /// After how long a connection that says nothing any more ends after all; without it Belay has to find out.
    #[arg(long, value_name = "SECONDS")]
    silence: Option<u64>,
    /// For how long nothing may be written in the end.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    rest: u64,
    /// How often each fault has to be met in all runs.
    #[arg(long, default_value_t = 3)]
    least: u64,
    /// Where the server, its data and logs are.
    #[arg(long, default_value = "build/faults")]
    dir: PathBuf,
}

/// Runs the seeds, and counts the faults that were met.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut met = Met::new();
    for seed in arguments.from..arguments.from + arguments.seeds {
        runtime.block_on(run_one(root, arguments, seed, &mut met)).with_context(|| {
            format!("seed {seed}; again by --from {seed}; logs are in {}", arguments.dir.display())
        })?;
    }
    for (fault, times) in &met {
        crate::print(&format!("{times:5} {fault}"));
    }
    let missing = schedule::missing(&met, arguments.least);
    ensure!(missing.is_empty(), "some faults were hardly met, which proves nothing: {}", missing.join(", "));
    Ok(())
}

async fn run_one(root: &Path, arguments: &Arguments, seed: u64, met: &mut Met) -> Result<()> {
    let mut world = World::start(root, arguments, seed).await?;
    let result = world.walk().await;
    for (fault, times) in world.schedule.met() {
        *met.entry(fault).or_default() += times;
    }
    result
}

/// Belay, the cluster and the repository.
struct World<'a> {
    arguments: &'a Arguments,
    dir: PathBuf,
    server: RealServer,
    estate: Estate,
    schedule: Arc<Schedule>,
    /// The ways to the API server: of the process, or of each replica.
    proxies: Vec<Proxy>,
    chance: StdRng,
    seed: u64,
    lives: u64,
}

impl<'a> World<'a> {
    async fn start(root: &Path, arguments: &'a Arguments, seed: u64) -> Result<World<'a>> {
        let dir = std::path::absolute(&arguments.dir)?;
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let server = apiserver::start(root, &dir.join("apiserver"), true)?;
        let definitions = Command::new(&arguments.belay)
            .arg("crds")
            .output()
            .with_context(|| arguments.belay.display().to_string())?;
        let estate = Estate::found(&server, &definitions.stdout, &dir, seed).await?;
        let schedule = Arc::new(Schedule::new(seed, arguments.silence.map(Duration::from_secs)));
        let mut proxies = Vec::new();
        for _ in 0..2 {
            proxies.push(Proxy::start(server.address(), &server.dir, Arc::clone(&schedule)).await?);
        }
        let chance = StdRng::seed_from_u64(seed);
        Ok(World { arguments, dir, server, estate, schedule, proxies, chance, seed, lives: 0 })
    }

    /// One trouble after the other.
    async fn walk(&mut self) -> Result<()> {
        let belay = self.start_belay(0, &[])?;
        self.settle("installed").await?;
        let before = usage(belay.id())?;
        self.storm().await?;
        self.settle("requests came to grief").await?;
        keeps_no_more(&before, &usage(belay.id())?)?;
        let belay = self.kills(belay).await?;
        self.settle("killed again and again").await?;
        let belay = self.restore(belay).await?;
        self.settle("etcd restored from a backup").await?;
        belay.stop()?;
        self.replicas().await
    }

    /// Starts Belay behind one of the proxies.
    fn start_belay(&mut self, host: usize, flags: &[&str]) -> Result<Process> {
        self.lives += 1;
        let folder = self.dir.join(format!("life-{}", self.lives));
        std::fs::create_dir_all(&folder)?;
        let kubeconfig = self.kubeconfig(host)?;
        let mut command = Command::new(&self.arguments.belay);
        command.arg("run").arg("--kubeconfig").arg(kubeconfig);
        command.arg("--data-dir").arg(self.dir.join(format!("data-{host}"))).args(flags);
        Process::start("belay", &folder, &mut command)
    }

    /// The kubeconfig of the API server, with a proxy before it.
    fn kubeconfig(&self, host: usize) -> Result<PathBuf> {
        let mut config: Value = serde_json::from_slice(&std::fs::read(&self.server.kubeconfig)?)?;
        let address = self.proxies[host].address;
        config["clusters"][0]["cluster"]["server"] = format!("https://{address}").into();
        let path = self.dir.join(format!("kubeconfig-{host}"));
        std::fs::write(&path, config.to_string())?;
        Ok(path)
    }

    fn seconds(&self) -> Duration {
        Duration::from_secs(self.arguments.seconds)
    }

    async fn storm(&mut self) -> Result<()> {
        self.schedule.rage(true);
        let since = Instant::now();
        while since.elapsed() < self.seconds() || self.misses_a_fault_since(since) {
            self.act().await?;
        }
        self.schedule.rage(false);
        Ok(())
    }

    /// Whether some faults were hardly met so far, and it is worth waiting for them.
    fn misses_a_fault_since(&self, since: Instant) -> bool {
        let missing = schedule::missing(&self.schedule.met(), self.arguments.least);
        !missing.is_empty() && since.elapsed() < 3 * self.seconds()
    }

    async fn act(&mut self) -> Result<()> {
        self.estate.act().await?;
        let pause = Duration::from_millis(self.chance.random_range(100..1000));
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Faults, and an end of the process at any moment.
    async fn kills(&mut self, mut belay: Process) -> Result<Process> {
        self.schedule.rage(true);
        let until = Instant::now() + self.seconds();
        while Instant::now() < until {
            let life = Instant::now() + Duration::from_millis(self.chance.random_range(300..4000));
            while Instant::now() < life {
                self.act().await?;
            }
            belay.check()?;
            // As by SIGKILL.
            drop(belay);
            belay = self.start_belay(0, &[])?;
        }
        self.schedule.rage(false);
        Ok(belay)
    }

    /// A backup, more changes, and the backup again. As Kubernetes says, who watches is started anew then.
    async fn restore(&mut self, belay: Process) -> Result<Process> {
        self.server.keep_backup()?;
        for _ in 0..self.arguments.seconds.div_ceil(2) {
            // The API server finds etcd again, and may be busy until then.
            if let Err(error) = self.act().await {
                crate::report(&format!("  while etcd comes back: {error:#}"));
            }
        }
        self.settle("etcd was away for a backup").await?;
        self.estate.commit().await?;
        self.server.restore_backup()?;
        drop(belay);
        self.estate.look_which_apps_are_there().await?;
        self.start_belay(0, &[])
    }

    /// Two replicas, of which one stands still for longer than its Lease.
    async fn replicas(&mut self) -> Result<()> {
        let flags = ["--leader-elect", "--lease-duration=4s", "--renew-deadline=2s", "--retry-period=500ms"];
        let stopped = self.start_belay(0, &flags)?;
        tokio::time::sleep(LEASE / 2).await;
        let _other = self.start_belay(1, &flags)?;
        self.settle("two replicas").await?;
        // In the middle of its work.
        self.estate.commit().await?;
        tokio::time::sleep(Duration::from_millis(self.chance.random_range(0..400))).await;
        stopped.signal("STOP")?;
        let since = Instant::now();
        while since.elapsed() < 2 * LEASE {
            self.act().await?;
        }
        self.settle("a replica stands still").await?;
        let goes_on = Instant::now();
        stopped.signal("CONT")?;
        self.act().await?;
        tokio::time::sleep(2 * LEASE).await;
        self.wrote_nothing_of_the_past(goes_on)?;
        self.act().await?;
        self.settle("the replica goes on").await
    }

    /// The replica that went on has written nothing before it began a new life by another Lease.
    fn wrote_nothing_of_the_past(&self, goes_on: Instant) -> Result<()> {
        let asked = self.proxies[0].asked_since(goes_on);
        let begins =
            asked.iter().position(|asked| asked.is_of_leases() && asked.method == http::Method::POST);
        let begins = begins.context("the replica that went on has begun no new life")?;
        let of_the_past: Vec<&Asked> =
            asked[..begins].iter().filter(|asked| asked.is_write() && !asked.is_of_leases()).collect();
        ensure!(of_the_past.is_empty(), "written after the Lease has expired: {of_the_past:?}");
        Ok(())
    }

    /// Waits until everything is as Git says, and until nothing is written any more.
    async fn settle(&mut self, what: &str) -> Result<()> {
        let since = Instant::now();
        let mut differences = vec!["nothing was looked at yet".to_owned()];
        while !differences.is_empty() {
            if since.elapsed() > PATIENCE {
                differences.truncate(12);
                bail!("{what}, and {} s later:\n  {}", PATIENCE.as_secs(), differences.join("\n  "));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            // Right after a restore the API server may not answer.
            differences = match self.estate.differences().await {
                Ok(differences) => differences,
                Err(error) => vec![format!("{error:#}")],
            };
        }
        let settled = since.elapsed();
        let written = self.comes_to_rest(what).await?;
        let differences = self.estate.differences().await?;
        ensure!(differences.is_empty(), "{what}, and it did not stay as Git says: {differences:?}");
        crate::print(&format!(
            "seed {}: {what}: as Git says after {:.1} s, at rest after {written} more writes",
            self.seed,
            settled.as_secs_f64()
        ));
        Ok(())
    }

    /// Waits for a time without a write; gives how many there were until then.
    async fn comes_to_rest(&self, what: &str) -> Result<usize> {
        let rest = Duration::from_secs(self.arguments.rest);
        let since = Instant::now();
        loop {
            let written = self.written_since(since);
            let last = written.last().map_or(since, |asked| asked.at);
            if last.elapsed() >= rest {
                return Ok(written.len());
            }
            if since.elapsed() > rest + PATIENCE / 2 {
                let last: Vec<&Asked> = written.iter().rev().take(5).collect();
                bail!("{what}, and {} writes since all was well, the last: {last:?}", written.len());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// What was written through the proxies, but for Leases.
    fn written_since(&self, since: Instant) -> Vec<Asked> {
        let asked = self.proxies.iter().flat_map(|proxy| proxy.asked_since(since));
        let mut written: Vec<Asked> =
            asked.filter(|asked| asked.is_write() && !asked.is_of_leases()).collect();
        written.sort_by_key(|asked| asked.at);
        written
    }
}

/// When troubles are over, a process holds about what it held before.
fn keeps_no_more(before: &Usage, after: &Usage) -> Result<()> {
    ensure!(
        after.megabytes <= before.megabytes + MORE_MEGABYTES
            && after.descriptors <= before.descriptors + MORE_DESCRIPTORS,
        "requests came to grief, and the process kept more and more: {before:?}, {after:?}"
    );
    Ok(())
}
