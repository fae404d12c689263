//! Which cluster, and who asks it: Helm's flags over what a kubeconfig says.

use std::env;
use std::path::PathBuf;

use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};

use crate::failure::Original;

/// The server that is asked where nobody names one.
const NOBODY: &str = "http://localhost:8080";

/// The cluster that `--dry-run=server` asks.
#[derive(clap::Args, Clone, Default)]
pub(in crate::commands::helm) struct ClusterArguments {
    /// The kubeconfig; without it those of KUBECONFIG, then the user's own.
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, global = true, env = "HELM_KUBECONTEXT", value_name = "NAME")]
    kube_context: Option<String>,
    /// A token that says who asks.
    #[arg(long, global = true, env = "HELM_KUBETOKEN", hide_env_values = true, value_name = "TOKEN")]
    kube_token: Option<String>,
    /// The user to act as.
    #[arg(long, global = true, env = "HELM_KUBEASUSER", value_name = "USER")]
    kube_as_user: Option<String>,
    /// The groups to act as a member of.
    #[arg(long, global = true, env = "HELM_KUBEASGROUPS", value_delimiter = ',', value_name = "GROUP")]
    kube_as_group: Vec<String>,
    /// The server's address.
    #[arg(long, global = true, env = "HELM_KUBEAPISERVER", value_name = "ADDRESS")]
    kube_apiserver: Option<String>,
    /// The authority that is trusted for the server.
    #[arg(long, global = true, env = "HELM_KUBECAFILE", value_name = "FILE")]
    kube_ca_file: Option<String>,
    /// The name that the server's certificate must have.
    #[arg(long, global = true, env = "HELM_KUBETLS_SERVER_NAME", value_name = "NAME")]
    kube_tls_server_name: Option<String>,
    /// Trust any server.
    #[arg(long, global = true, env = "HELM_KUBEINSECURE_SKIP_TLS_VERIFY")]
    kube_insecure_skip_tls_verify: bool,
    /// No effect: few requests are made.
    #[arg(long, global = true, hide = true)]
    burst_limit: Option<i64>,
    /// No effect: few requests are made.
    #[arg(long, global = true, hide = true)]
    qps: Option<f32>,
}

impl ClusterArguments {
    /// The namespace of the context, if a kubeconfig says one.
    pub(in crate::commands::helm) fn namespace(&self) -> Option<String> {
        let kubeconfig = self.kubeconfig().ok()?;
        let context = self.context(&kubeconfig).ok()??;
        context.namespace.filter(|namespace| !namespace.is_empty())
    }

    /// How the cluster is reached.
    pub(super) async fn config(&self) -> Result<Config, Original> {
        let kubeconfig = self.kubeconfig()?;
        let context = self.context(&kubeconfig)?;
        if context.is_none()
            && self.kube_apiserver.is_none()
            && let Ok(config) = Config::incluster()
        {
            return Ok(config);
        }
        let effective = self.effective(&kubeconfig, context.unwrap_or_default());
        let config = Config::from_custom_kubeconfig(effective, &KubeConfigOptions::default()).await;
        config.map_err(|error| Original::of(&error))
    }

    /// What the flag names; else the files that are there, the first to say something being right.
    fn kubeconfig(&self) -> Result<Kubeconfig, Original> {
        if let Some(file) = &self.kubeconfig {
            std::fs::metadata(file).map_err(|error| Original::failed("stat", file, &error))?;
            return Kubeconfig::read_from(file).map_err(|error| Original::of(&error));
        }
        let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let files: Vec<PathBuf> = match named("KUBECONFIG") {
            Some(files) => env::split_paths(&files).filter(|file| !file.as_os_str().is_empty()).collect(),
            None => named("HOME").map(|home| PathBuf::from(home).join(".kube/config")).into_iter().collect(),
        };
        let mut merged = Kubeconfig::default();
        for file in files.iter().filter(|file| file.exists()) {
            let read = Kubeconfig::read_from(file).and_then(|next| merged.merge(next));
            merged = read.map_err(|error| Original::of(&error))?;
        }
        Ok(merged)
    }

    fn context(&self, kubeconfig: &Kubeconfig) -> Result<Option<Context>, Original> {
        let given = self.kube_context.as_deref().filter(|name| !name.is_empty());
        let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
        let Some(name) = given.or(current) else { return Ok(None) };
        let found = kubeconfig.contexts.iter().find(|context| context.name == name);
        match found.and_then(|found| found.context.clone()) {
            Some(context) => Ok(Some(context)),
            None => Err(Original::new(format!("context {name:?} does not exist"))),
        }
    }

    /// A kubeconfig of this one cluster and user, the flags being right.
    fn effective(&self, kubeconfig: &Kubeconfig, context: Context) -> Kubeconfig {
        let cluster = kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster);
        let mut cluster: Cluster = cluster.and_then(|found| found.cluster.clone()).unwrap_or_default();
        let user = kubeconfig.auth_infos.iter().find(|user| Some(&user.name) == context.user.as_ref());
        let mut user: AuthInfo = user.and_then(|found| found.auth_info.clone()).unwrap_or_default();
        if let Some(server) = &self.kube_apiserver {
            cluster.server = Some(server.clone());
        }
        cluster.server.get_or_insert_with(|| NOBODY.to_owned());
        if let Some(file) = &self.kube_ca_file {
            cluster.certificate_authority = Some(file.clone());
            cluster.certificate_authority_data = None;
        }
        if self.kube_tls_server_name.is_some() {
            cluster.tls_server_name.clone_from(&self.kube_tls_server_name);
        }
        if self.kube_insecure_skip_tls_verify {
            cluster.insecure_skip_tls_verify = Some(true);
            (cluster.certificate_authority, cluster.certificate_authority_data) = (None, None);
        }
        if let Some(token) = &self.kube_token {
            user = AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() };
        }
        if self.kube_as_user.is_some() {
            user.impersonate.clone_from(&self.kube_as_user);
        }
        if !self.kube_as_group.is_empty() {
            user.impersonate_groups = Some(self.kube_as_group.clone());
        }
        let name = "effective".to_owned();
        let context = Context { cluster: name.clone(), user: Some(name.clone()), ..context };
        Kubeconfig {
            current_context: Some(name.clone()),
            clusters: vec![NamedCluster {
                name: name.clone(),
                cluster: Some(cluster),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: name.clone(),
                auth_info: Some(user),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext { name, context: Some(context), ..NamedContext::default() }],
            ..Kubeconfig::default()
        }
    }
}
