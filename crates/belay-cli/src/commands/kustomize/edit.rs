//! `belay kustomize edit`

use std::fs;
use std::path::{Path, PathBuf};

use belay_kustomize::{FileEdit, edit_file};
use serde_json::{Value, json};

use super::MAX_FILE_BYTES;
use crate::deep::in_depth;
use crate::disk_tree::whole_disk;
use crate::failure::Original;
use crate::written;

/// Change the kustomization file of the current folder.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Set a field.
    #[command(subcommand)]
    Set(Set),
    /// Add to a field.
    #[command(subcommand)]
    Add(Box<Add>),
    /// Remove from a field.
    #[command(subcommand)]
    Remove(Box<Remove>),
}

#[derive(clap::Subcommand)]
enum Set {
    /// Set `namePrefix`.
    #[command(name = "nameprefix")]
    NamePrefix {
        #[arg(allow_hyphen_values = true)]
        prefix: String,
    },
    /// Set `nameSuffix`.
    #[command(name = "namesuffix")]
    NameSuffix {
        #[arg(allow_hyphen_values = true)]
        suffix: String,
    },
    /// Set `namespace`.
    Namespace { namespace: String },
    /// Set images: `NAME=NEWNAME:TAG@DIGEST`, or a part of it; `*` keeps what is there.
    Image {
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Set replicas: `NAME=COUNT`.
    Replicas {
        #[arg(required = true)]
        replicas: Vec<String>,
    },
    /// Set `commonLabels`: `KEY:VALUE`.
    Label {
        #[arg(required = true)]
        pairs: Vec<String>,
    },
    /// Set `commonAnnotations`: `KEY:VALUE`.
    Annotation {
        #[arg(required = true)]
        pairs: Vec<String>,
    },
}

#[derive(clap::Subcommand)]
enum Add {
    /// Add resources: files, patterns or URLs.
    Resource {
        #[arg(required = true)]
        patterns: Vec<String>,
        /// Take them without a look at the files.
        #[arg(long)]
        no_verify: bool,
    },
    /// Add components.
    Component {
        #[arg(required = true)]
        patterns: Vec<String>,
    },
    /// Add labels: `KEY:VALUE`.
    Label {
        #[arg(required = true)]
        pairs: Vec<String>,
        /// Change labels that are there.
        #[arg(short, long)]
        force: bool,
        /// Add to `labels` instead of `commonLabels`.
        #[arg(long)]
        without_selector: bool,
        /// Label templates too; needs `--without-selector`.
        #[arg(long)]
        include_templates: bool,
    },
    /// Add annotations: `KEY:VALUE`.
    Annotation {
        #[arg(required = true)]
        pairs: Vec<String>,
        /// Change annotations that are there.
        #[arg(short, long)]
        force: bool,
    },
    /// Add a patch.
    Patch(PatchArguments),
}

#[derive(clap::Subcommand)]
enum Remove {
    /// Remove resources that match the patterns.
    Resource {
        #[arg(required = true)]
        patterns: Vec<String>,
    },
    /// Remove components that match the patterns.
    Component {
        #[arg(required = true)]
        patterns: Vec<String>,
    },
    /// Remove labels: `KEY,KEY`.
    Label {
        keys: String,
        /// Missing ones do not matter.
        #[arg(short, long)]
        ignore_non_existence: bool,
    },
    /// Remove annotations: `KEY,KEY`.
    Annotation {
        keys: String,
        /// Missing ones do not matter.
        #[arg(short, long)]
        ignore_non_existence: bool,
    },
    /// Remove the patch with exactly these fields.
    Patch(PatchArguments),
}

#[derive(clap::Args)]
struct PatchArguments {
    /// The file with the patch.
    #[arg(long, default_value = "", hide_default_value = true)]
    path: String,
    /// The text of the patch.
    #[arg(long, default_value = "", hide_default_value = true)]
    patch: String,
    /// The target's group.
    #[arg(long, default_value = "", hide_default_value = true)]
    group: String,
    /// The target's version.
    #[arg(long, default_value = "", hide_default_value = true)]
    version: String,
    /// The target's kind.
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// The target's name.
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// The target's namespace.
    #[arg(long, default_value = "", hide_default_value = true)]
    namespace: String,
    /// The target's annotations.
    #[arg(long, default_value = "", hide_default_value = true)]
    annotation_selector: String,
    /// The target's labels.
    #[arg(long, default_value = "", hide_default_value = true)]
    label_selector: String,
}

impl PatchArguments {
    /// The entry of `patches`.
    fn entry(&self) -> Value {
        json!({
            "path": self.path,
            "patch": self.patch,
            "target": {
                "group": self.group,
                "version": self.version,
                "kind": self.kind,
                "name": self.name,
                "namespace": self.namespace,
                "annotationSelector": self.annotation_selector,
                "labelSelector": self.label_selector,
            },
        })
    }
}

/// Carries the command out.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    Ok(in_depth("the edit", || edit_folder(Path::new("."), &change(&arguments.command)))??)
}

fn change(command: &Command) -> FileEdit {
    match command {
        Command::Set(set) => change_by_set(set),
        Command::Add(add) => change_by_add(add),
        Command::Remove(remove) => change_by_remove(remove),
    }
}

fn change_by_set(set: &Set) -> FileEdit {
    match set {
        Set::NamePrefix { prefix } => FileEdit::SetNamePrefix(prefix.clone()),
        Set::NameSuffix { suffix } => FileEdit::SetNameSuffix(suffix.clone()),
        Set::Namespace { namespace } => FileEdit::SetNamespace(namespace.clone()),
        Set::Image { images } => FileEdit::SetImages(images.clone()),
        Set::Replicas { replicas } => FileEdit::SetReplicas(replicas.clone()),
        Set::Label { pairs } => FileEdit::SetLabels(pairs.clone()),
        Set::Annotation { pairs } => FileEdit::SetAnnotations(pairs.clone()),
    }
}

fn change_by_add(add: &Add) -> FileEdit {
    match add {
        Add::Resource { patterns, no_verify } => {
            FileEdit::AddResources { patterns: patterns.clone(), no_verify: *no_verify }
        }
        Add::Component { patterns } => FileEdit::AddComponents(patterns.clone()),
        Add::Label { pairs, force, without_selector, include_templates } => FileEdit::AddLabels {
            pairs: pairs.clone(),
            force: *force,
            without_selector: *without_selector,
            include_templates: *include_templates,
        },
        Add::Annotation { pairs, force } => FileEdit::AddAnnotations { pairs: pairs.clone(), force: *force },
        Add::Patch(patch) => FileEdit::AddPatch(patch.entry()),
    }
}

fn change_by_remove(remove: &Remove) -> FileEdit {
    match remove {
        Remove::Resource { patterns } => FileEdit::RemoveResources(patterns.clone()),
        Remove::Component { patterns } => FileEdit::RemoveComponents(patterns.clone()),
        Remove::Label { keys, ignore_non_existence } => {
            FileEdit::RemoveLabels { keys: keys.clone(), ignore_missing: *ignore_non_existence }
        }
        Remove::Annotation { keys, ignore_non_existence } => {
            FileEdit::RemoveAnnotations { keys: keys.clone(), ignore_missing: *ignore_non_existence }
        }
        Remove::Patch(patch) => FileEdit::RemovePatch(patch.entry()),
    }
}

fn edit_folder(folder: &Path, change: &FileEdit) -> Result<(), Original> {
    let file = kustomization_file(folder)?;
    let failed = |action, error: &std::io::Error| Original::failed(action, &file, error);
    let text = fs::read_to_string(&file).map_err(|error| failed("open", &error))?;
    let (tree, place) = whole_disk(&file, MAX_FILE_BYTES).map_err(|error| failed("open", &error))?;
    let changed = edit_file(&tree, &place, &text, change).map_err(|error| Original::new(error.chain()))?;
    if changed == text {
        return Ok(());
    }
    written::follow(folder, &file, changed.as_bytes()).map_err(|error| failed("write", &error))
}

fn kustomization_file(folder: &Path) -> Result<PathBuf, Original> {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let mut found = names.iter().map(|name| folder.join(name)).filter(|file| file.exists());
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (None, _) => Err(Original::new("Missing kustomization file 'kustomization.yaml'.")),
        (Some(_), Some(_)) => Err(Original::new("Found multiple kustomization files")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_folder_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kustomization.yml");
        fs::write(&file, "# ours\nresources:\n- a.yaml\n").unwrap();
        fs::write(folder.path().join("b.yaml"), "").unwrap();
        let added = FileEdit::AddResources { patterns: vec!["b*.yaml".to_owned()], no_verify: false };
        edit_folder(folder.path(), &added).unwrap();
        edit_folder(folder.path(), &FileEdit::SetNamespace("web".to_owned())).unwrap();
        let expected = "# ours\nresources:\n- a.yaml\n- b.yaml\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: web\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    }

    #[test]
    fn bad_p3_a_link_that_leads_out_is_not_edited() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(folder.path().join("theirs.yaml"), "resources: []\n").unwrap();
        std::os::unix::fs::symlink("../theirs.yaml", inner.join("kustomization.yaml")).unwrap();
        let change = FileEdit::SetNamespace("web".to_owned());
        let refused = edit_folder(&inner, &change).unwrap_err().to_string();
        assert!(refused.contains("kustomization.yaml: a link leads out of"), "{refused}");
        assert_eq!(fs::read_to_string(folder.path().join("theirs.yaml")).unwrap(), "resources: []\n");

        fs::remove_file(inner.join("kustomization.yaml")).unwrap();
        fs::write(inner.join("ours.yaml"), "resources: []\n").unwrap();
        std::os::unix::fs::symlink("ours.yaml", inner.join("kustomization.yaml")).unwrap();
        edit_folder(&inner, &change).unwrap();
        assert!(inner.join("kustomization.yaml").is_symlink());
        assert!(fs::read_to_string(inner.join("ours.yaml")).unwrap().contains("namespace: web"));
    }

    #[test]
    fn a_file_that_nests_deep_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kustomization.yaml");
        let deep = format!("{}[]", "- ".repeat(300));
        let chart = format!("helmCharts:\n- name: web\n  valuesInline:\n    list:\n    {deep}\n");
        fs::write(&file, &chart).unwrap();
        let change = FileEdit::SetNamespace("web".to_owned());
        assert!(edit_folder(folder.path(), &change).is_err());
        in_depth("the edit", || edit_folder(folder.path(), &change)).unwrap().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&deep) && text.contains("namespace: web"), "{text}");
    }

    #[test]
    fn one_file_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let change = FileEdit::SetNamespace("web".to_owned());
        assert!(edit_folder(folder.path(), &change).unwrap_err().to_string().contains("Missing"));
    }
}
