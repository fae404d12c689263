//! `belay crds`

/// Print the CustomResourceDefinitions of both families, made from Belay's own types.
///
/// `belay crds | kubectl apply --server-side -f -` prepares a cluster.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only one family's.
    #[arg(long, value_enum)]
    family: Option<Family>,
}

/// Whose definitions.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Family {
    /// Argo CD's.
    Argo,
    /// Flux's.
    Flux,
}

/// Prints the definitions as YAML documents.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut definitions = Vec::new();
    if arguments.family != Some(Family::Flux) {
        definitions.extend(belay_argo_api::crds());
    }
    if arguments.family != Some(Family::Argo) {
        definitions.extend(belay_flux_api::crds());
    }
    let documents: Vec<String> = definitions.iter().map(belay_goyaml::to_yaml).collect();
    super::print(&documents.join("---\n"))
}
