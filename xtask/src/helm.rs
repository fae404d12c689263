//! `cargo xtask helm`: the original, built once from its published module into the cache folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::apiserver::{cache_folder, fingerprint, go_build};

/// Builds what is missing, and prints the path of the program.
pub(crate) fn run(root: &Path) -> Result<()> {
    crate::print(&Helm::build(root)?.command.display().to_string());
    Ok(())
}

/// Helm, built from the module that pins it.
pub(crate) struct Helm {
    /// The program itself.
    pub(crate) command: PathBuf,
    module: PathBuf,
    folder: PathBuf,
}

impl Helm {
    /// Builds what the cache folder does not hold.
    pub(crate) fn build(root: &Path) -> Result<Helm> {
        let module = root.join("tests/oracle/helm");
        let folder = cache_folder()?.join(format!("helm-{}", fingerprint(&module)?));
        fs::create_dir_all(&folder)?;
        let command = built(&module, &folder, "helm", "helm.sh/helm/v4/cmd/helm")?;
        Ok(Helm { command, module, folder })
    }

    /// The same command line as one process: a line of arguments in, a line of output back.
    pub(crate) fn answer(&self) -> Result<PathBuf> {
        built(&self.module, &self.folder, "answer", "./cmd/answer")
    }
}

fn built(module: &Path, folder: &Path, name: &str, package: &str) -> Result<PathBuf> {
    let binary = folder.join(name);
    if !binary.is_file() {
        crate::report(&format!("building {name} of Helm (once; minutes on a cold cache)"));
        go_build(module, package, "-X helm.sh/helm/v4/internal/version.version=v4.3.1", &binary)?;
    }
    Ok(binary)
}
