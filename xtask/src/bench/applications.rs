//! `cargo xtask bench applications`: how long many Applications of four small objects take to be synced
//! in one go, and what that costs. The API server, the Git server and Belay are processes of their own,
//! so that each one's memory and CPU can be told.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use belay_cluster::Kinds;
use belay_manifest::GroupVersionKind;
use belay_testkit::{Author, Change, Repository};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::print;
use crate::process::{Process, usage};

/// Which binary, how many, how patient.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The binary that is measured.
    #[arg(long, default_value = "target/release/belay")]
    belay: PathBuf,
    /// How many Applications.
    #[arg(long, default_value = "1000")]
    apps: usize,
    /// How long to wait for all of them, in seconds.
    #[arg(long, default_value = "600")]
    patience: u64,
}

/// Starts everything, creates the Applications, waits, prints the table.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("belay-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(measure(arguments, &folder));
    // What is left of it is temporary.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

async fn measure(arguments: &Arguments, folder: &Path) -> anyhow::Result<()> {
    let repository = repository(&folder.join("git"), arguments.apps)?;
    let cluster = folder.join("cluster");
    let api = start(arguments, folder, "localkube", &["localkube", "--dir", text(&cluster)?])?;
    let kubeconfig = cluster.join("kubeconfig");
    wait_for_file(&kubeconfig).await?;
    let client = belay_cluster::connect(Some(&kubeconfig)).await?;
    let kinds = Kinds::new(client.clone());
    install(&client, &kinds, arguments).await?;
    let data = folder.join("data");
    let run = ["run", "--kubeconfig", text(&kubeconfig)?, "--data-dir", text(&data)?];
    let belay = start(arguments, folder, "belay", &run)?;
    let began = Instant::now();
    let applications = create(&client, &kinds, arguments.apps, &repository).await?;
    let created = began.elapsed();
    wait_for_all(&applications, arguments).await?;
    let synced = began.elapsed();
    print(&format!("Applications           {}", arguments.apps));
    print(&format!("created in             {:.2} s", created.as_secs_f64()));
    print(&format!("all Synced, Healthy in {:.2} s", synced.as_secs_f64()));
    for process in [&belay, &api] {
        let usage = usage(process.id())?;
        print(&format!(
            "{:<9}  peak memory {:>5} MB   CPU {:>6.2} s",
            process.name, usage.peak_megabytes, usage.cpu_seconds
        ));
    }
    Ok(())
}

/// One folder of four objects for each Application, in one commit.
fn repository(path: &Path, apps: usize) -> anyhow::Result<String> {
    let repository = Repository::create(path)?;
    let changes: Vec<Change> = (0..apps).flat_map(files).collect();
    repository.commit(&changes, "Add the apps", &Author::new("Bench", "bench@example.com"))?;
    Ok(format!("file://{}", path.display()))
}

fn files(app: usize) -> Vec<Change> {
    let config = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  app: \"{app}\"\n")
    };
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: {app: web}\n  ports:\n    - port: 80\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n";
    let file = |name: &str, text: String| Change::write(&format!("apps/{app}/{name}.yaml"), text);
    vec![
        file("settings", config("settings")),
        file("limits", config("limits")),
        file("service", service.to_owned()),
        file("account", account.to_owned()),
    ]
}

fn start(
    arguments: &Arguments,
    folder: &Path,
    name: &'static str,
    command: &[&str],
) -> anyhow::Result<Process> {
    Process::start(name, folder, Command::new(&arguments.belay).args(command))
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

async fn wait_for_file(path: &Path) -> anyhow::Result<()> {
    for _ in 0..200 {
        if path.exists() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("{} does not appear", path.display())
}

/// The definitions and the namespace that Applications live in.
async fn install(client: &Client, kinds: &Kinds, arguments: &Arguments) -> anyhow::Result<()> {
    let definitions = Command::new(&arguments.belay).arg("crds").output()?;
    let limits = belay_manifest::Limits::default();
    for manifest in belay_manifest::parse("crds", &definitions.stdout, &limits)? {
        apply(client, kinds, manifest.object.value()).await?;
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}});
    apply(client, kinds, &namespace).await
}

async fn apply(client: &Client, kinds: &Kinds, object: &Value) -> anyhow::Result<()> {
    let object = belay_manifest::Object::new(object.clone())?;
    let resource = kinds.find(&object.gvk()).await?;
    let api = resource.objects(client, object.namespace());
    let params = PatchParams::apply("bench").force();
    api.patch(object.name(), &params, &Patch::Apply(object.value())).await?;
    Ok(())
}

/// Creates every Application, sixteen at a time as a person's script would.
async fn create(
    client: &Client,
    kinds: &Kinds,
    apps: usize,
    repository: &str,
) -> anyhow::Result<Api<DynamicObject>> {
    let kind = GroupVersionKind::new("argoproj.io/v1alpha1", "Application");
    let resource = kinds.find(&kind).await?;
    let objects = (0..apps).map(|app| application(app, repository));
    futures::stream::iter(objects)
        .map(|object| async move { apply(client, kinds, &object).await })
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(resource.objects(client, "argocd"))
}

fn application(app: usize, repository: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": format!("app-{app}"), "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository, "targetRevision": "main", "path": format!("apps/{app}")},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": format!("app-{app}")},
            "syncPolicy": {
                "automated": {"prune": true, "selfHeal": true},
                "syncOptions": ["CreateNamespace=true"],
            },
        },
    })
}

async fn wait_for_all(api: &Api<DynamicObject>, arguments: &Arguments) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(arguments.patience);
    loop {
        let apps = api.list(&ListParams::default()).await?;
        let waiting = apps.iter().filter(|app| !is_done(&app.data)).count();
        if waiting == 0 && apps.items.len() == arguments.apps {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{waiting} of {} are not Synced and Healthy", arguments.apps);
        // A thousand Applications are some megabytes: to ask often would be most of the work.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn is_done(app: &Value) -> bool {
    app["status"]["sync"]["status"] == "Synced" && app["status"]["health"]["status"] == "Healthy"
}
