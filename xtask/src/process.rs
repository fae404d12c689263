//! Processes that are started beside a cluster, and what the kernel says of them.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A process that ends with us.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    child: Child,
}

impl Process {
    /// Starts it; what it says goes to `NAME.log` in the folder.
    pub(crate) fn start(name: &'static str, folder: &Path, command: &mut Command) -> anyhow::Result<Process> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Process { name, child })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} has ended: {status}", self.name),
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status()?;
        anyhow::ensure!(status.success(), "{} does not take {signal}", self.name);
        Ok(())
    }

    /// Asks it to end, as Kubernetes would, and waits for that.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        // `kill` of the base system; an already dead process is no fault.
        let _ = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
        for _ in 0..200 {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// The most since it started, or since [`forget_peak`].
    pub(crate) peak_megabytes: u64,
    /// What it has now.
    pub(crate) megabytes: u64,
    pub(crate) cpu_seconds: f64,
    /// Open files and connections.
    pub(crate) descriptors: usize,
}

/// What the kernel says of a process.
pub(crate) fn usage(process: u32) -> anyhow::Result<Usage> {
    /// Clock ticks a second, as every Linux reports them to programs.
    const TICKS: f64 = 100.0;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let megabytes = |name: &str| -> anyhow::Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes: u64 = line.context(name.to_owned())?.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024)
    };
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold spaces; the fields after it do not.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |position: usize| fields.get(position).and_then(|field| field.parse::<f64>().ok());
    let cpu = ticks(11).context("no user time")? + ticks(12).context("no system time")?;
    Ok(Usage {
        peak_megabytes: megabytes("VmHWM")?,
        megabytes: megabytes("VmRSS")?,
        cpu_seconds: cpu / TICKS,
        descriptors: std::fs::read_dir(format!("/proc/{process}/fd"))?.count(),
    })
}

/// Lets a process's peak begin anew with what it has now.
pub(crate) fn forget_peak(process: u32) -> anyhow::Result<()> {
    /// What means that to the kernel (proc(5), `clear_refs`).
    const PEAK: &str = "5";
    Ok(std::fs::write(format!("/proc/{process}/clear_refs"), PEAK)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_given_back_is_in_the_peak_until_that_is_forgotten() {
        let own = std::process::id();
        let filled = vec![1_u8; 200 << 20];
        assert!(usage(own).unwrap().megabytes >= 200 && filled.iter().all(|byte| *byte == 1));
        drop(filled);
        let after = usage(own).unwrap();
        assert!(after.peak_megabytes >= 200 && after.megabytes < 200, "{after:?}");
        forget_peak(own).unwrap();
        assert!(usage(own).unwrap().peak_megabytes < 200);
    }
}
