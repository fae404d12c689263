//! Programs of other projects, built from their published Go modules.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::apiserver::{cache_folder, go_build};

/// One program of one version of a module.
pub(crate) struct Published {
    /// The binary's name.
    pub(crate) name: &'static str,
    /// The module's path.
    pub(crate) module: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The program's package within the module.
    pub(crate) package: &'static str,
    /// What the linker is told.
    pub(crate) flags: &'static str,
    /// Modules that the repository keeps in a folder of its own and a published module lacks: taken as
    /// published, in the version that is required.
    pub(crate) nested: &'static [&'static str],
    /// Modules that cannot be had in the version that is required, and the nearest that can.
    pub(crate) instead: &'static [(&'static str, &'static str)],
}

impl Published {
    /// Builds it if it is not in the cache; gives the binary.
    pub(crate) fn build(&self) -> Result<PathBuf> {
        self.build_with(&[], |_| Ok(()))
    }

    /// As `build`, for sources that `prepare` completes first; `keys` tell what it adds.
    pub(crate) fn build_with(
        &self,
        keys: &[&str],
        prepare: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let mut key = vec![self.name, self.version];
        key.extend(self.instead.iter().map(|(_, version)| *version));
        key.extend(keys);
        let folder = cache_folder()?.join(format!("rival-{}", key.join("-")));
        let binary = folder.join(self.name);
        if binary.is_file() {
            return Ok(binary);
        }
        crate::report(&format!("building {} {} (once; minutes on a cold cache)", self.name, self.version));
        let source = folder.join("source");
        copy(&self.download()?, &source)?;
        prepare(&source)?;
        self.resolve(&source)?;
        go_build(&source, self.package, &format!("-s -w {}", self.flags), &binary)?;
        fs::remove_dir_all(source)?;
        Ok(binary)
    }

    /// Makes the module's requirements such that they can be had.
    fn resolve(&self, source: &Path) -> Result<()> {
        for nested in self.nested {
            go(source, &["mod", "edit", &format!("-dropreplace={nested}")])?;
        }
        for (module, version) in self.instead {
            go(source, &["mod", "edit", &format!("-replace={module}={module}@{version}")])?;
        }
        // Completes go.sum.
        go(source, &["list", "-mod=mod", "-deps", self.package])?;
        Ok(())
    }

    /// Name, version and what stands in, for reports.
    pub(crate) fn told(&self) -> String {
        let instead: Vec<String> =
            self.instead.iter().map(|(module, version)| format!(" with {module} {version}")).collect();
        format!("{} {}{}", self.name, self.version, instead.concat())
    }

    /// Where the module's files are, read-only.
    fn download(&self) -> Result<PathBuf> {
        let module = format!("{}@{}", self.module, self.version);
        let answer = go(&std::env::temp_dir(), &["mod", "download", "-json", &module])?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let folder = answer["Dir"].as_str().with_context(|| format!("{module} has no folder"))?;
        Ok(PathBuf::from(folder))
    }
}

/// Runs `go` in a folder; gives what it printed.
fn go(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("go").args(arguments).current_dir(folder).output().context("starting go")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "go {}: {}", arguments.join(" "), said.trim());
    Ok(output.stdout)
}

/// Copies a folder, in place of what is there; the copies may be written to.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            let mode = fs::metadata(&target)?.permissions().mode();
            fs::set_permissions(&target, fs::Permissions::from_mode(mode | 0o200))?;
        }
    }
    Ok(())
}
