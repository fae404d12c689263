//! `--output-dir`: a file for each template.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use belay_helm::{OutputOptions, Rendered};

use crate::failure::Original;

/// Writes the files and notes each write, as Helm does.
pub(super) fn write(
    rendered: &Rendered,
    options: &OutputOptions,
    folder: &Path,
    release: Option<&str>,
    text: &mut String,
) -> Result<(), Original> {
    let mut written = HashSet::new();
    let mut put = |below: &Path, source: &str, content: &[u8], append: bool| -> Result<(), Original> {
        let file = below.join(source);
        write_file(&file, source, content, append || !written.insert(file.clone()))?;
        text.push_str(&format!("wrote {}/{source}\n", below.display()));
        Ok(())
    };
    if options.include_crds {
        for crd in &rendered.crds {
            put(folder, &crd.source, &crd.data, false)?;
        }
    }
    let below = release.map_or_else(|| folder.to_owned(), |release| folder.join(release));
    for manifest in &rendered.manifests {
        put(&below, &manifest.source, manifest.text.as_bytes(), false)?;
    }
    if !options.no_hooks {
        for hook in rendered.hooks.iter().filter(|hook| !(options.skip_tests && hook.is_test())) {
            // A hook is added to what its file holds already, be it of an earlier run.
            let exists = below.join(&hook.path).exists();
            put(&below, &hook.path, hook.manifest.as_bytes(), exists)?;
        }
    }
    match options.show_only.first() {
        Some(pattern) => Err(Original::new(format!("could not find template {pattern} in chart"))),
        None => {
            text.push('\n');
            Ok(())
        }
    }
}

fn write_file(file: &Path, source: &str, content: &[u8], append: bool) -> Result<(), Original> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| Original::failed("mkdir", folder, &error))?;
    }
    let failed = |error| Original::failed("open", file, &error);
    let mut options = OpenOptions::new();
    let options = if append { options.append(true) } else { options.write(true).create(true).truncate(true) };
    let mut open = options.open(file).map_err(failed)?;
    let document = [format!("---\n# Source: {source}\n").as_bytes(), content, b"\n"].concat();
    open.write_all(&document).map_err(failed)
}
