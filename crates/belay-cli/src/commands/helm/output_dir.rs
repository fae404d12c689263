//! `--output-dir`: a file for each template.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use belay_helm::{OutputOptions, Rendered};

use crate::failure::Original;
use crate::written;

/// Writes the files and notes each write, as Helm does.
pub(super) fn write(
    rendered: &Rendered,
    options: &OutputOptions,
    folder: &Path,
    release: Option<&str>,
    text: &mut String,
) -> Result<(), Original> {
    let mut known = HashSet::new();
    let mut put = |below: &Path, source: &str, content: &[u8], append: bool| -> Result<(), Original> {
        let file = below.join(source);
        write_file(folder, &file, source, content, append || !known.insert(file.clone()))?;
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
        put(&below, &manifest.source, &rendered.raw(&manifest.source, &manifest.text), false)?;
    }
    if !options.no_hooks {
        for hook in rendered.hooks.iter().filter(|hook| !(options.skip_tests && hook.is_test())) {
            // A hook is added to what its file holds already, be it of an earlier run.
            let exists = below.join(&hook.path).exists();
            put(&below, &hook.path, &rendered.raw(&hook.path, &hook.manifest), exists)?;
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

fn write_file(root: &Path, file: &Path, source: &str, content: &[u8], append: bool) -> Result<(), Original> {
    fs::create_dir_all(root).map_err(|error| Original::failed("mkdir", root, &error))?;
    if let Some(folder) = file.parent() {
        written::make_folder(root, folder).map_err(|error| Original::failed("mkdir", folder, &error))?;
    }
    let document = [format!("---\n# Source: {source}\n").as_bytes(), content, b"\n"].concat();
    let put = if append { written::append } else { written::follow };
    put(root, file, &document).map_err(|error| Original::failed("open", file, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn bad_p3_templates_are_not_written_through_links_that_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let (root, out) = (folder.path().join("root"), folder.path().join("out"));
        fs::create_dir_all(root.join("web/templates")).unwrap();
        fs::create_dir(&out).unwrap();
        fs::write(out.join("file"), "precious").unwrap();
        symlink(out.join("file"), root.join("web/templates/a.yaml")).unwrap();
        symlink(&out, root.join("away")).unwrap();
        let write = |name: &str, append| write_file(&root, &root.join(name), name, b"a: 1", append);
        for name in ["web/templates/a.yaml", "away/file", "away/deeper/file"] {
            let refused = write(name, false).unwrap_err().to_string();
            assert!(refused.contains("a link leads out of"), "{name}: {refused}");
            assert!(write(name, true).is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(out.join("file")).unwrap(), "precious");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        write("web/templates/b.yaml", false).unwrap();
        write("web/templates/b.yaml", true).unwrap();
        let text = fs::read_to_string(root.join("web/templates/b.yaml")).unwrap();
        assert_eq!(text, "---\n# Source: web/templates/b.yaml\na: 1\n".repeat(2));
    }
}
