//! Builds a kustomization from disk: `build ROOT FOLDER`, where FOLDER lies below ROOT.
#![expect(clippy::print_stdout, reason = "an example prints what it built")]

mod disk;

use anyhow::Context;
use belay_filetree::TreePath;
use belay_kustomize::{BuildOptions, build};

use disk::Disk;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().context("usage: build ROOT [FOLDER]")?;
    let folder = TreePath::parse(&arguments.next().unwrap_or_default())?;
    let tree = Disk::new(root);
    let built =
        build(&tree, &folder, &BuildOptions::default()).map_err(|error| anyhow::anyhow!(error.chain()))?;
    print!("{}", built.to_yaml());
    Ok(())
}
