//! `belay crds`

use crate::definitions;
use crate::engine::Family;

/// Print the CustomResourceDefinitions of both families, made from Belay's own types.
///
/// `belay crds | kubectl apply --server-side -f -` prepares a cluster.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only one family's.
    #[arg(long, value_enum)]
    family: Option<Family>,
}

/// Prints the definitions as YAML documents.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let families = arguments.family.map_or(vec![Family::Argo, Family::Flux], |family| vec![family]);
    let documents: Vec<String> = definitions::of(&families).iter().map(belay_goyaml::to_yaml).collect();
    super::print(&documents.join("---\n"))
}
