//! `belay kustomize build`

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use belay_filetree::{FileTree, TreePath};
use belay_kustomize::{
    Build, BuildOptions, FieldQuery, HelmOptions, LoadRestrictor, RemoteRepository, Remotes, Reorder, build,
};

use super::MAX_FILE_BYTES;
use super::remotes::Fetcher;
use crate::deep::to_the_end;
use crate::disk_tree::whole_disk;
use crate::failure::Original;
use crate::memory::MemoryArguments;
use crate::written;

/// Print the objects of a kustomization: the bytes of kustomize v5.8.2's `build`.
#[derive(clap::Args, Clone)]
pub(super) struct Arguments {
    /// The folder with the kustomization, or the URL of one in a repository.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write to this file instead of standard output; into a folder, a file for each object.
    #[arg(short, long)]
    output: Option<OsString>,
    /// Which files a kustomization may read.
    #[arg(long, value_enum, default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// The order of the objects, where the kustomization has no `sortOptions`.
    #[arg(long, value_enum, default_value = "legacy")]
    reorder: Order,
    /// Refuse bases, files and charts by URL.
    #[arg(long)]
    no_remote_bases: bool,
    /// Print how a field came to its value instead: `Deployment/web:spec.replicas`.
    #[arg(long, value_name = "KIND/NAME:FIELD")]
    explain: Option<String>,
    /// Render `helmCharts`. No helm is run: charts are rendered in process.
    #[arg(long)]
    enable_helm: bool,
    /// API versions that charts are told.
    #[arg(long)]
    helm_api_versions: Vec<String>,
    /// The version of Kubernetes that charts are told.
    #[arg(long)]
    helm_kube_version: Option<String>,
    /// Label every object with what built it.
    #[arg(long, hide = true)]
    enable_managedby_label: bool,
    #[command(flatten)]
    without_effect: WithoutEffect,
    /// Refused: programs are never run while rendering.
    #[arg(long)]
    enable_exec: bool,
}

/// Flags that scripts give, from which nothing follows here.
#[derive(clap::Args, Clone)]
struct WithoutEffect {
    /// No flag is needed: the built-in plugins can always be used.
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// No effect: errors of charts are always told in full.
    #[arg(long)]
    helm_debug: bool,
    /// No effect: no helm is run.
    #[arg(long)]
    helm_command: Option<String>,
    /// No effect: functions are not run.
    #[arg(short, long)]
    env: Vec<String>,
    /// No effect: functions are not run.
    #[arg(long)]
    mount: Vec<String>,
    /// No effect: functions are not run.
    #[arg(long)]
    network: bool,
    /// No effect: functions are not run.
    #[arg(long)]
    network_name: Option<String>,
    /// No effect: functions are not run.
    #[arg(long)]
    as_current_user: bool,
}

/// `--load-restrictor`
#[derive(Clone, Copy, clap::ValueEnum)]
enum Restrictor {
    /// Files in and below the kustomization's folder.
    #[value(name = "LoadRestrictionsRootOnly", alias = "")]
    RootOnly,
    /// Every file.
    #[value(name = "LoadRestrictionsNone")]
    None,
}

/// `--reorder`
#[derive(Clone, Copy, clap::ValueEnum)]
enum Order {
    /// By kind, namespaces first and webhooks last.
    Legacy,
    /// As they were loaded.
    None,
}

/// Carries the command out.
pub(super) fn run(arguments: &Arguments, memory: MemoryArguments) -> anyhow::Result<Infallible> {
    arguments.without_effect.say();
    let ceiling = memory.ceiling(&format!("building {}", arguments.folder.display()));
    to_the_end("the build", &ceiling, || {
        let text = printed(arguments);
        ceiling.lift();
        super::super::print(&text?)
    })
}

impl WithoutEffect {
    #[expect(clippy::print_stderr, reason = "standard output is for the objects")]
    fn say(&self) {
        let flags = [
            ("--helm-command", self.helm_command.is_some()),
            ("--env", !self.env.is_empty()),
            ("--mount", !self.mount.is_empty()),
            ("--network", self.network),
            ("--network-name", self.network_name.is_some()),
            ("--as-current-user", self.as_current_user),
        ];
        for (flag, _) in flags.into_iter().filter(|(_, given)| *given) {
            eprintln!("{flag} has no effect: no programs or containers are run while rendering");
        }
    }
}

/// What goes to standard output; files are written on the way.
fn printed(arguments: &Arguments) -> Result<String, Original> {
    if arguments.enable_exec {
        return Err(Original::new(
            "`--enable-exec` is not supported: programs are never run while rendering",
        ));
    }
    let remotes = if arguments.no_remote_bases { None } else { Some(Arc::new(Fetcher::new()?)) };
    let remotes = remotes.map(|fetcher| fetcher as Arc<dyn Remotes>);
    let Source { tree, place, is_whole_disk } = Source::find(&arguments.folder, remotes.as_deref())?;
    let options = BuildOptions { is_whole_disk, ..options(arguments, remotes)? };
    let built = build(tree.as_ref(), &place, &options).map_err(|error| Original::new(error.chain()))?;
    if let Some(query) = &options.explain {
        return explained(&built, query, tree.as_ref());
    }
    match arguments.output.as_deref().filter(|output| !output.is_empty()).map(Path::new) {
        None => Ok(built.to_yaml()),
        Some(folder) if folder.is_dir() => {
            for (name, text) in built.to_files() {
                let file = folder.join(name);
                written::follow(folder, &file, text.as_bytes())
                    .map_err(|error| Original::failed("write", &file, &error))?;
            }
            Ok(String::new())
        }
        Some(file) => write(file, &built.to_yaml()).map(|()| String::new()),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Original> {
    fs::write(file, text).map_err(|error| Original::failed("write", file, &error))
}

/// The tree that is built, and the place in it.
struct Source {
    tree: Arc<dyn FileTree>,
    place: TreePath,
    /// A tree may also be that of a repository.
    is_whole_disk: bool,
}

impl Source {
    fn find(folder: &Path, remotes: Option<&dyn Remotes>) -> Result<Source, Original> {
        let shown = folder.display();
        if !folder.exists()
            && let Some(repository) = RemoteRepository::parse(&folder.to_string_lossy())
        {
            let remotes = remotes.ok_or_else(|| {
                Original::new(format!("'{shown}' is remote, and remote resources are refused here"))
            })?;
            let tree = remotes.repository(&repository).map_err(Original::new)?;
            let place = TreePath::parse(&repository.folder)
                .map_err(|error| Original::new(format!("{shown}: {error}")))?;
            return Ok(Source { tree, place, is_whole_disk: false });
        }
        let (tree, place) = whole_disk(folder, MAX_FILE_BYTES).map_err(|error| {
            Original::new(format!("must build at directory: not a valid directory: {shown}: {error}"))
        })?;
        Ok(Source { tree: Arc::new(tree), place, is_whole_disk: true })
    }
}

fn options(arguments: &Arguments, remotes: Option<Arc<dyn Remotes>>) -> Result<BuildOptions, Original> {
    let helm = arguments.enable_helm.then(|| HelmOptions {
        kube_version: arguments.helm_kube_version.clone(),
        api_versions: arguments.helm_api_versions.clone(),
        ..HelmOptions::default()
    });
    Ok(BuildOptions {
        load_restrictor: match arguments.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        },
        reorder: match arguments.reorder {
            Order::Legacy => Reorder::Legacy,
            Order::None => Reorder::None,
        },
        label_managed_by: arguments.enable_managedby_label,
        remotes,
        helm,
        explain: arguments.explain.as_deref().map(query).transpose()?,
        ..BuildOptions::default()
    })
}

/// `Deployment/web:spec.replicas`
fn query(text: &str) -> Result<FieldQuery, Original> {
    let parts = text.split_once(':').and_then(|(object, path)| Some((object.split_once('/')?, path)));
    let Some(((kind, name), path)) = parts.filter(|(_, path)| !path.is_empty()) else {
        return Err(Original::new(format!("--explain {text}: expected KIND/NAME:FIELD")));
    };
    Ok(FieldQuery { kind: kind.to_owned(), name: name.to_owned(), path: path.to_owned() })
}

/// One line for each value the field had, oldest first.
fn explained(built: &Build, query: &FieldQuery, tree: &dyn FileTree) -> Result<String, Original> {
    let explanations = built.explain(query, tree);
    if explanations.is_empty() {
        return Err(Original::new(format!("no {} named '{}' is built", query.kind, query.name)));
    }
    let mut text = String::new();
    for explanation in explanations {
        text.push_str(&format!("{}:{}\n", explanation.object, query.path));
        for change in explanation.changes {
            let place = match (change.file.as_str(), change.line) {
                ("", _) => String::new(),
                (file, 0) => format!("  /{file}"),
                (file, line) => format!("  /{file}:{line}"),
            };
            let of = change.elsewhere.filter(|_| !place.is_empty());
            let place = of.map_or_else(|| place.clone(), |url| format!("{place} of {url}"));
            let value = change.value.map_or_else(|| "(removed)".to_owned(), |value| value.to_string());
            text.push_str(&format!("  {value}  {}{place}\n", change.by));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn build_text(line: &[&str]) -> Result<String, String> {
        let line = [&["build"], line].concat();
        printed(&Line::try_parse_from(line).unwrap().arguments).map_err(|error| error.to_string())
    }

    /// A base beside the overlay that is built, and a file above it.
    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("base/kustomization.yaml", "resources: [map.yaml]\n"),
            ("base/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"),
            ("overlay/kustomization.yaml", "namePrefix: our-\nresources: [../base]\n"),
            ("file-above/kustomization.yaml", "resources: [../base/map.yaml]\n"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n";

    #[test]
    fn bad_p3_objects_are_not_written_through_links_that_lead_out() {
        let tree = tree();
        let (overlay, output) = (tree.path().join("overlay"), tree.path().join("output"));
        fs::create_dir(&output).unwrap();
        let place = output.join("v1_configmap_our-map.yaml");
        std::os::unix::fs::symlink("../base/map.yaml", &place).unwrap();
        let before = fs::read_to_string(tree.path().join("base/map.yaml")).unwrap();
        let line = ["-o", output.to_str().unwrap(), overlay.to_str().unwrap()];
        let refused = build_text(&line).unwrap_err();
        assert!(refused.contains("a link leads out of"), "{refused}");
        assert_eq!(fs::read_to_string(tree.path().join("base/map.yaml")).unwrap(), before);
        fs::remove_file(&place).unwrap();
        assert_eq!(build_text(&line), Ok(String::new()));
        assert!(place.is_file());
    }

    #[test]
    fn a_base_above_the_folder_is_read() {
        let tree = tree();
        let overlay = tree.path().join("overlay");
        assert_eq!(build_text(&[overlay.to_str().unwrap()]), Ok(MAP.replace("map", "our-map")));
    }

    #[test]
    fn a_file_above_the_folder_needs_the_flag() {
        let tree = tree();
        let folder = tree.path().join("file-above");
        let folder = folder.to_str().unwrap();
        assert!(build_text(&[folder]).unwrap_err().contains("security; file"));
        assert_eq!(build_text(&[folder, "--load-restrictor", "LoadRestrictionsNone"]), Ok(MAP.to_owned()));
    }

    #[test]
    fn an_absolute_path_leads_to_files_in_the_folder_only() {
        let tree = tree();
        let folder = tree.path().join("base");
        let text = |line: &str| {
            let shown = tree.path().display();
            fs::write(folder.join("kustomization.yaml"), line.replace("TREE", &shown.to_string())).unwrap();
            build_text(&[folder.to_str().unwrap()])
        };
        assert_eq!(text("resources: [TREE/base/map.yaml]"), Ok(MAP.to_owned()));
        assert!(text("resources: [TREE/overlay/kustomization.yaml]").unwrap_err().contains("security; file"));
        let error = text("resources: [TREE/file-above]").unwrap_err();
        assert!(error.contains("new root '/") && error.contains("cannot be absolute"), "{error}");
        let patch = "resources: [map.yaml]\nnamePrefix: a-\npatches: [{path: TREE/base/map.yaml}]";
        assert_eq!(text(patch), Ok(MAP.replace("map", "a-map")));
        let origin = text("resources: [TREE/base/map.yaml]\nbuildMetadata: [originAnnotations]").unwrap();
        assert!(origin.contains(&format!("path: {}/base/map.yaml\n", tree.path().display())), "{origin}");
    }

    #[test]
    fn objects_are_labelled_as_the_kustomization_would_have_it() {
        let tree = tree();
        let folder = tree.path().join("base");
        let line = [folder.to_str().unwrap(), "--enable-managedby-label"];
        let label = "  labels:\n    app.kubernetes.io/managed-by: kustomize-v5.8.2\n  name: map\n";
        assert_eq!(build_text(&line), Ok(MAP.replace("  name: map\n", label)));
        let odd = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map, labels: [a]}\n";
        fs::write(folder.join("map.yaml"), odd).unwrap();
        assert!(build_text(&line).unwrap_err().contains("labelling ConfigMap"));
    }

    #[test]
    fn what_is_not_done_is_named() {
        assert!(build_text(&["--enable-exec"]).unwrap_err().contains("--enable-exec"));
        let refused = build_text(&["--no-remote-bases", "https://example.com/a/b"]);
        assert!(refused.unwrap_err().contains("remote"));
    }

    #[test]
    fn objects_go_to_files_of_a_folder() {
        let tree = tree();
        let overlay = tree.path().join("overlay");
        let output = tree.path().join("output");
        fs::create_dir(&output).unwrap();
        let line = [overlay.to_str().unwrap(), "-o", output.to_str().unwrap()];
        assert_eq!(build_text(&line), Ok(String::new()));
        let file = output.join("v1_configmap_our-map.yaml");
        assert_eq!(fs::read_to_string(file).unwrap(), MAP.replace("map", "our-map"));
    }

    #[test]
    fn a_field_is_explained_by_file_and_line() {
        let tree = tree();
        let overlay = tree.path().join("overlay");
        let text = build_text(&[overlay.to_str().unwrap(), "--explain", "ConfigMap/our-map:metadata.name"]);
        let text = text.unwrap();
        assert!(text.contains("base/map.yaml:3\n"), "{text}");
        assert!(text.contains("overlay/kustomization.yaml:1\n"), "{text}");
    }
}
