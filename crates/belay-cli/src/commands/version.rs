//! `belay version`

use serde_json::json;

/// Print the version.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// As JSON.
    #[arg(short, long, value_parser = ["text", "json"], default_value = "text")]
    output: String,
}

/// Prints the version of this binary and of what it is compatible with.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if arguments.output == "json" {
        let answer = json!({"belay": version, "argocd": "3.6", "flux": "2.9", "helm": "v4.3.1", "kustomize": "v5.8.2"});
        return super::print(&format!("{answer}\n"));
    }
    super::print(&format!("belay {version}\n"))
}
