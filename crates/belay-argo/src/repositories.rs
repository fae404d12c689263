//! How an app's repository is reached: what the installation's repository Secrets and credential
//! templates say, and its trusted certificates and host keys. All of it is watched.

mod known;
mod live;
mod secret;

use std::time::Duration;

use belay_argo_api::{Application, ApplicationSource};
use belay_manifest::Object;
use belay_source::{
    Access, Checkout, CheckoutError, FetchLimits, Request, Revision, Timeout, with_submodules,
};

pub use known::{KnownRepositories, RepositoryError};
pub use live::LiveRepositories;
pub(crate) use live::follow;

use crate::charts::Way;
use crate::context::Context;
use crate::render::WantedChart;

/// How long a repository's server may take to say what it has, unless the installation says otherwise.
const ANSWER: Duration = Duration::from_secs(15);
/// How long Git's commands may take in Argo CD (`ARGOCD_EXEC_TIMEOUT`).
const WHOLE: Duration = Duration::from_secs(90);

/// Bounds on a file by URL, such as one of values.
const FILE: FetchLimits = FetchLimits { bytes: 16 << 20, time: WHOLE };

/// The project that an Application names.
pub(crate) fn project_of(app: &Object) -> &str {
    app.value()["spec"]["project"].as_str().filter(|project| !project.is_empty()).unwrap_or("default")
}

/// The URLs of an app's sources, each with the app's project.
pub(crate) fn urls_of(app: &Object) -> impl Iterator<Item = (&str, &str)> {
    let spec = &app.value()["spec"];
    let project = project_of(app);
    let many = spec["sources"].as_array().into_iter().flatten();
    let sources = many.chain(std::iter::once(&spec["source"]));
    sources.filter_map(move |source| Some((source["repoURL"].as_str()?, project)))
}

impl Context {
    /// The files of a source at a revision. The remote is asked unless it was asked less than `max_age` ago.
    pub(crate) async fn checkout(
        &self,
        app: &Application,
        source: &ApplicationSource,
        revision: &str,
        max_age: Duration,
    ) -> Result<Checkout, CheckoutError> {
        let access = self.access(app, &source.repo_url)?;
        let system = self.system();
        let answer = system.parameters.git_request_timeout.unwrap_or(ANSWER);
        let request = Request {
            url: source.repo_url.clone(),
            revision: Revision::Target { text: revision.to_owned(), tag_prefix: source.tag_prefix.clone() },
            access,
            max_age,
            timeout: Some(Timeout { answer, whole: WHOLE.max(answer) }),
        };
        let checkout = self.repositories.checkout(&request).await?;
        if system.parameters.without_submodules {
            return Ok(checkout);
        }
        let whole = with_submodules(self.repositories.as_ref(), &request, checkout.tree).await;
        let tree = whole.map_err(|error| CheckoutError {
            message: belay_causes::chain(&error),
            transient: error.is_transient(),
        })?;
        Ok(Checkout { tree, ..checkout })
    }

    /// A file that a source names by URL. Its server is shown nothing, and reached the way the repository is.
    pub(crate) async fn file_by_url(
        &self,
        app: &Application,
        source: &ApplicationSource,
        url: &str,
    ) -> Result<Vec<u8>, CheckoutError> {
        let Access { proxy, .. } = self.access(app, &source.repo_url)?;
        self.repositories.file(url, &Access { proxy, ..Access::default() }, FILE).await
    }

    /// A chart that another asks for, as its repository's Secret or a template says, and its file's name. `known` are those
    /// that the app's project permits.
    pub(crate) async fn chart(
        &self,
        app: &Application,
        source: &ApplicationSource,
        chart: &WantedChart,
        known: &KnownRepositories,
        max_age: Duration,
    ) -> Result<(String, bytes::Bytes), CheckoutError> {
        let access = access(known, app, &chart.repository)?;
        // As the original has it, a login is for `https`, unless the repository is named.
        let is_told = chart.is_named || chart.repository.starts_with("https://");
        let access = if is_told { access } else { Access { login: None, ..access } };
        let passes_login = source.helm.as_ref().is_some_and(|helm| helm.pass_credentials);
        let repositories = self.repositories.as_ref();
        self.charts.fetch(chart, &Way { repositories, access: &access, passes_login, max_age }).await
    }

    /// How a repository is reached for an app.
    fn access(&self, app: &Application, url: &str) -> Result<Access, CheckoutError> {
        access(&self.settings.repositories.now(), app, url)
    }
}

fn access(known: &KnownRepositories, app: &Application, url: &str) -> Result<Access, CheckoutError> {
    let access = known.access(url, app.spec.project_name());
    access.map_err(|error| CheckoutError { message: error.to_string(), transient: false })
}
