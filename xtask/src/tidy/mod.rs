//! The house's order as a test: which crate may know which, which ones do no IO, what is never a name,
//! and that recorded files are current.

mod generated;
mod layers;
mod names;
mod purity;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::Table;

pub(crate) use generated::note;

/// Where a crate has code of its own.
const CODE: &[&str] = &["src", "tests", "examples", "benches"];

/// Checks the whole workspace and reports every fault.
pub(crate) fn run(root: &Path) -> Result<()> {
    let faults = check(root)?;
    if faults.is_empty() {
        return Ok(());
    }
    faults.iter().for_each(|fault| crate::report(fault));
    bail!("{} faults", faults.len());
}

fn check(root: &Path) -> Result<Vec<String>> {
    let packages = purity::Packages::of(&read_table(&root.join("Cargo.lock"))?);
    let crates = crate_folders(root)?;
    let mut faults = Vec::new();
    let mut functions = BTreeSet::new();
    for folder in &crates {
        faults.extend(check_crate(root, folder, &packages, &mut functions)?);
    }
    faults.extend(names::check_proofs(root, &functions)?);
    faults.extend(generated::check(root, &crates)?);
    faults.extend(crate::mutate::check(root)?);
    Ok(faults)
}

/// The faults of a crate; the names of its functions are added to the others'.
fn check_crate(
    root: &Path,
    folder: &Path,
    packages: &purity::Packages,
    functions: &mut BTreeSet<String>,
) -> Result<Vec<String>> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let manifest = read_table(&folder.join("Cargo.toml"))?;
    let is_pure = layers::is_pure(&name);
    let mut faults = layers::check(&name, &manifest);
    faults.extend(names::check_path(&name));
    if is_pure {
        faults.extend(purity::check_dependencies(&name, &manifest, packages));
    }
    for part in CODE.iter().map(|part| folder.join(part)).filter(|part| part.is_dir()) {
        for file in rust_files(&part)? {
            let code = source::code_of(&fs::read_to_string(&file)?);
            let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            functions.extend(source::functions(&code));
            faults.extend(names::check_path(&place));
            faults.extend(names::check_modules(&place, &code));
            if is_pure && part.ends_with("src") {
                faults.extend(purity::check_code(&place, &code));
            }
        }
    }
    Ok(faults)
}

fn read_table(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

fn crate_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join("crates"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .chain([root.join("xtask")])
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
