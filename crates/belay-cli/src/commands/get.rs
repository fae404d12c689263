//! `belay get`

mod drift;
mod list;
mod print;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use belay_cluster::Resource;
use belay_manifest::Object;
use belay_server::{AppKind, AppRef};
use clap::ValueEnum;
use kube::Client;

use crate::failure::Failure;
use crate::wanted::Wanted;
use list::{App, Apps};
pub(super) use print::Table;

/// List the apps of both families, or show one.
///
/// An app is KIND/NAME with -n: app/… (Application), ks/… (Kustomization), hr/… (HelmRelease); a bare
/// NAME works where it is unique. SYNC and HEALTH are the same words for both families.
///
/// Exit codes: 0 ok, 1 error (the cluster cannot be asked, a name is not unique), 2 usage, 3 no such app.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app, as KIND/NAME or NAME.
    name: Option<String>,
    /// Only this namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// All namespaces (the default).
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
    /// Then watch, and print each app that changes, until Ctrl-C.
    #[arg(short, long, conflicts_with = "drift")]
    watch: bool,
    /// What others changed in the cluster: field, old → new, manager, time.
    #[arg(long)]
    drift: bool,
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// How apps are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each.
    Table,
    /// A line for each, with whole revisions, sources and messages.
    Wide,
    /// The resources.
    Json,
    /// The resources.
    Yaml,
    /// KIND/NAME.
    Name,
}

/// Lists, shows or watches.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = arguments.name.as_deref().map(Wanted::parse).transpose()?;
    super::runtime()?.block_on(async {
        let client = belay_cluster::connect(arguments.kubeconfig.as_deref()).await?;
        let mut apps = Apps::list(client.clone(), arguments.namespace.as_deref()).await?;
        let mut rows = apps.rows();
        if let Some(wanted) = &wanted {
            let only = only(rows, wanted)?;
            apps.keep_only(&only.summary.app);
            rows = vec![only];
        }
        if arguments.drift {
            return super::print(&drift::printed(&client, &rows).await?);
        }
        super::print(&print::printed(&rows, arguments.output, wanted.is_some())?)?;
        if arguments.watch { watch::follow(apps, rows, arguments.output).await } else { Ok(()) }
    })
}

/// The one Application that a name means, and its kind.
pub(super) async fn application(
    client: Client,
    name: &str,
    namespace: Option<&str>,
) -> anyhow::Result<(Resource, Arc<Object>)> {
    let wanted = Wanted::parse(name)?;
    if wanted.kind.is_some_and(|kind| kind != AppKind::Application) {
        bail!(Failure::usage(format!("{name} is no Application")).hint("app/NAME is one"));
    }
    let apps = Apps::list_applications(client, namespace).await?;
    let found = only(apps.rows(), &wanted)?;
    let kind = apps.kinds.into_iter().map(|(kind, _)| kind).next();
    Ok((kind.context("the cluster knows no Application")?, found.object))
}

/// The one app of either family that a name means.
pub(super) async fn app(client: Client, name: &str, namespace: Option<&str>) -> anyhow::Result<AppRef> {
    let wanted = Wanted::parse(name)?;
    let apps = Apps::list(client, namespace).await?;
    Ok(only(apps.rows(), &wanted)?.summary.app)
}

/// The one row that is wanted.
fn only(rows: Vec<App>, wanted: &Wanted) -> anyhow::Result<App> {
    wanted.only(rows, |row| &row.summary.app)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn application(name: &str, namespace: &str) -> App {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": namespace},
            "status": {
                "sync": {"status": "Synced", "revision": "0123456789abcdef0123456789abcdef01234567"},
                "health": {"status": "Healthy"}}});
        App::new(Object::new(object).unwrap(), None).unwrap()
    }

    #[test]
    fn a_table_is_aligned_and_a_revision_short() {
        assert_eq!(
            print::printed(&[application("web", "argocd")], Output::Table, false).unwrap(),
            "APP       NAMESPACE   SYNC     HEALTH    REVISION\n\
             app/web   argocd      Synced   Healthy   0123456789ab\n"
        );
    }

    #[test]
    fn a_bare_name_must_be_unique() {
        let wanted = |text| Wanted::parse(text).unwrap();
        let two = || vec![application("web", "a"), application("db", "a")];
        assert_eq!(only(two(), &wanted("web")).unwrap().summary.app.to_string(), "app/a/web");
        assert_eq!(only(two(), &wanted("app/db")).unwrap().summary.app.to_string(), "app/a/db");
        assert!(only(two(), &wanted("ks/db")).is_err());
        let error = only(vec![application("web", "a"), application("web", "b")], &wanted("web"));
        assert_eq!(error.unwrap_err().to_string(), "\"web\" is not unique: app/web -n a, app/web -n b");
        assert!(Wanted::parse("deployment/web").is_err());
    }
}
