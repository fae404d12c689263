//! `cargo xtask record kustomizations`: writes into every case file what the original makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use case_file::{CaseFile, ERROR, EXPECTED};

#[path = "../../crates/belay-kustomize/tests/case_file/mod.rs"]
mod case_file;

/// What is recorded, from what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The original: kustomize v5.8.2.
    #[arg(long, default_value = "kustomize")]
    kustomize: PathBuf,
    /// Helm, for the cases with charts.
    #[arg(long, default_value = "helm")]
    helm: PathBuf,
    /// A folder of case files.
    #[arg(long, default_value = "crates/belay-kustomize/tests/features")]
    cases: PathBuf,
}

/// Records every case, and names those where we differ.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("belay-record-{}", std::process::id()));
    let mut different = 0;
    let result = walk(&arguments.cases, &mut |file| {
        different += usize::from(!record(file, &folder, arguments)?);
        Ok(())
    });
    // What is left of it is temporary.
    let _ = fs::remove_dir_all(&folder);
    result?;
    if different > 0 {
        bail!("{different} cases differ");
    }
    Ok(())
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit)?;
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            visit(&path)?;
        }
    }
    Ok(())
}

/// Whether both agree, once the file says what the original makes of its tree.
fn record(file: &Path, folder: &Path, arguments: &Arguments) -> Result<bool> {
    let case = CaseFile::parse(&fs::read_to_string(file)?);
    // An earlier case must leave nothing.
    let _ = fs::remove_dir_all(folder);
    for (path, content) in case.files() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        match content.strip_prefix("LINK ") {
            Some(target) => std::os::unix::fs::symlink(target.trim_end(), path)?,
            None => fs::write(path, content)?,
        }
    }
    let kustomize = &arguments.kustomize;
    let mut command = Command::new(kustomize);
    command.arg("build").arg(folder.join(case.folder())).args(case.flags());
    if case.flags().next().is_some() {
        command.arg("--helm-command").arg(&arguments.helm);
    }
    let output = command
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .output()
        .with_context(|| format!("running {}", kustomize.display()))?;
    let built = case.built();
    let original = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
    let same = original.as_ref() == built.as_ref().ok();
    if !same {
        let error = String::from_utf8_lossy(&output.stderr);
        let ours = built.as_ref().err().map_or("", |error| error.trim());
        crate::report(&format!("{}: differs\n  original: {}\n  ours: {ours}", file.display(), error.trim()));
    }
    let given = case.parts.iter().filter(|(part, _)| part != EXPECTED && part != ERROR);
    let mut text: String = given.map(|(part, content)| format!("-- {part} --\n{content}")).collect();
    match (original, built) {
        (Some(original), _) => text.push_str(&format!("-- {EXPECTED} --\n{original}")),
        (None, ours) => text.push_str(&format!("-- {ERROR} --\n{}", ours.err().unwrap_or_default())),
    }
    fs::write(file, text)?;
    Ok(same)
}
