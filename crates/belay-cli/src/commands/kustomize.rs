//! `belay kustomize`

use std::fs;
use std::path::{Path, PathBuf};

use belay_kustomize::{BuildOptions, LoadRestrictor, Reorder, build};

use crate::disk_tree::whole_disk;
use crate::failure::Original;

/// No manifest or generated file comes near; what does was not meant to be read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Build kustomizations as `kustomize` does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands of kustomize.
#[derive(clap::Subcommand)]
enum Command {
    Build(Box<BuildArguments>),
}

/// Print the objects of a kustomization: the bytes of kustomize v5.8.2's `build`.
#[derive(clap::Args)]
struct BuildArguments {
    /// The folder with the kustomization.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write to this file instead of standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Which files a kustomization may read.
    #[arg(long, value_enum, default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: Restrictor,
    /// The order of the objects, where the kustomization has no `sortOptions`.
    #[arg(long, value_enum, default_value = "legacy")]
    reorder: Order,
    /// Refuse bases and files of other repositories (Belay reads none so far).
    #[arg(long)]
    no_remote_bases: bool,
    #[command(flatten)]
    accepted: Accepted,
    #[command(flatten)]
    without_effect: WithoutEffect,
    /// Refused: programs are never run while rendering.
    #[arg(long)]
    enable_exec: bool,
}

/// Flags that scripts give, from which nothing follows here.
#[derive(clap::Args)]
struct Accepted {
    /// No flag is needed; `helmCharts` are refused by name so far.
    #[arg(long)]
    enable_helm: bool,
    /// The built-in plugins can always be used.
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// API versions that charts are told.
    #[arg(long)]
    helm_api_versions: Vec<String>,
    /// The version of Kubernetes that charts are told.
    #[arg(long)]
    helm_kube_version: Option<String>,
    /// More output while charts are rendered.
    #[arg(long)]
    helm_debug: bool,
}

/// Flags about programs and containers, which are never run.
#[derive(clap::Args)]
struct WithoutEffect {
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
    #[value(name = "LoadRestrictionsRootOnly")]
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
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Command::Build(arguments) = &arguments.command;
    arguments.without_effect.say();
    let text = text(arguments)?;
    match &arguments.output {
        None => super::print(&text),
        Some(file) => {
            fs::write(file, text).map_err(|error| Original::failed("write", file, &error))?;
            Ok(())
        }
    }
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

/// What `kustomize build` prints.
fn text(arguments: &BuildArguments) -> Result<String, Original> {
    if arguments.enable_exec {
        return Err(Original::new(
            "`--enable-exec` is not supported: programs are never run while rendering",
        ));
    }
    if arguments.output.as_deref().is_some_and(Path::is_dir) {
        return Err(Original::new("`--output` to a folder is not supported yet"));
    }
    let folder = &arguments.folder;
    if folder.to_string_lossy().contains("://") {
        return Err(Original::new(format!(
            "building the remote folder {} is not supported yet",
            folder.display()
        )));
    }
    let (tree, place) = whole_disk(folder, MAX_FILE_BYTES).map_err(|error| {
        Original::new(format!(
            "must build at directory: not a valid directory: {}: {error}",
            folder.display()
        ))
    })?;
    let options = BuildOptions {
        load_restrictor: match arguments.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        },
        reorder: match arguments.reorder {
            Order::Legacy => Reorder::Legacy,
            Order::None => Reorder::None,
        },
        ..BuildOptions::default()
    };
    let built = build(&tree, &place, &options).map_err(|error| Original::new(error.chain()))?;
    Ok(built.to_yaml())
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
        let line = [&["kustomize", "build"], line].concat();
        let Command::Build(arguments) = Line::try_parse_from(line).unwrap().arguments.command;
        text(&arguments).map_err(|error| error.to_string())
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
    fn what_is_not_done_is_named() {
        assert!(build_text(&["--enable-exec"]).unwrap_err().contains("--enable-exec"));
        assert!(build_text(&["https://example.com/a/b"]).unwrap_err().contains("remote"));
    }
}
