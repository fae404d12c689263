//! Builds a kustomization from disk: `build ROOT FOLDER`, where FOLDER lies below ROOT.
#![expect(clippy::print_stdout, reason = "an example prints what it built")]

use std::path::Path;

use anyhow::Context;
use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().context("usage: build ROOT [FOLDER]")?;
    let folder = TreePath::parse(&arguments.next().unwrap_or_default())?;
    let mut tree = MemoryTree::new();
    read(Path::new(&root), &TreePath::root(), &mut tree)?;
    let started = std::time::Instant::now();
    let built = build(&tree, &folder, &BuildOptions::default()).map_err(|error| anyhow::anyhow!(error.chain()))?;
    let text = built.to_yaml();
    if std::env::var_os("TIMING").is_some() {
        println!("{} objects in {:?}", built.objects.len(), started.elapsed());
        return Ok(());
    }
    print!("{text}");
    Ok(())
}

fn read(folder: &Path, place: &TreePath, tree: &mut MemoryTree) -> anyhow::Result<()> {
    tree.insert(place.clone(), Kind::Directory, "");
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = place.child(&entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &path, tree)?;
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path())?;
            tree.insert(path, Kind::Link, target.to_string_lossy().into_owned());
        } else {
            tree.insert(path, Kind::File, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
