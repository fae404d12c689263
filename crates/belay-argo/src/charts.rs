//! Charts of repositories, for charts that ask for others: as `helm dependency build` gets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use belay_helm::RepositoryIndex;
use belay_source::{
    Access, CheckoutError, FetchLimits, Repositories, archive_name, chart_address, without_login,
};
use bytes::Bytes;
use tokio::time::Instant;

use crate::render::WantedChart;

/// Bounds on an index, which may tell of thousands of charts, and on an archive.
const LIMITS: FetchLimits = FetchLimits { bytes: 64 << 20, time: Duration::from_secs(90) };
/// Repositories whose indices are kept; all are forgotten for one more.
const MOST: usize = 32;
/// Bytes of archives that are kept; all are forgotten for more.
const MOST_BYTES: usize = 64 << 20;

/// The indices of repositories and the archives of charts, each as old as its reader allows. Apps of one chart share its
/// archive.
#[derive(Default)]
pub(crate) struct ChartRepositories {
    known: Mutex<HashMap<Place, Arc<Slot>>>,
    archives: Mutex<HashMap<Place, (Instant, Bytes)>>,
}

/// A URL, as somebody reaches it.
type Place = (String, Access);

/// Who waits for an index holds up only those who want the same.
type Slot = tokio::sync::Mutex<Option<(Instant, Arc<RepositoryIndex>)>>;

/// How a chart's repository is reached.
pub(crate) struct Way<'a> {
    pub(crate) repositories: &'a dyn Repositories,
    pub(crate) access: &'a Access,
    /// Whether other servers get the login, too.
    pub(crate) passes_login: bool,
    /// How old an index may be.
    pub(crate) max_age: Duration,
}

impl ChartRepositories {
    /// The archive of a chart, and its file's name.
    pub(crate) async fn fetch(
        &self,
        chart: &WantedChart,
        way: &Way<'_>,
    ) -> Result<(String, Bytes), CheckoutError> {
        let WantedChart { name, version, repository, .. } = chart;
        let mut index = self.index(repository, way, way.max_age).await?;
        if index.find(name, version).is_none() {
            // It may have been published since.
            index = self.index(repository, way, Duration::ZERO).await?;
        }
        let found = index.find(name, version).and_then(|found| found.urls.first());
        let reference = found.ok_or_else(|| not_found(chart))?;
        let address = chart_address(repository, reference)
            .map_err(|error| refused(format!("failed to parse {reference} as URL: {error}")))?;
        let shown = without_login(address.as_str());
        let file = archive_name(&address)
            .ok_or_else(|| refused(format!("could not download {shown}: it names no file")))?
            .to_owned();
        let own = chart_address(repository, "").is_ok_and(|own| own.origin() == address.origin());
        let access = match own || way.passes_login {
            true => way.access.clone(),
            false => Access { login: None, ..way.access.clone() },
        };
        let place = (String::from(address), access);
        let content = match self.archive(&place, way.max_age) {
            Some(content) => content,
            None => {
                let content = way.repositories.file(&place.0, &place.1, LIMITS).await;
                let content = content.map_err(|error| CheckoutError {
                    message: format!("could not download {shown}: {}", error.message),
                    ..error
                })?;
                self.keep(place, content)
            }
        };
        Ok((file, content))
    }

    fn archive(&self, place: &Place, max_age: Duration) -> Option<Bytes> {
        let archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, content) = archives.get(place)?;
        (asked.elapsed() < max_age).then(|| content.clone())
    }

    /// What is equal to what was there before takes no memory of its own.
    fn keep(&self, place: Place, content: Vec<u8>) -> Bytes {
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        let known = archives.remove(&place).filter(|(_, known)| *known == content);
        let content = known.map_or_else(|| content.into(), |(_, known)| known);
        let bytes: usize = archives.values().map(|(_, known)| known.len()).sum();
        if bytes + content.len() > MOST_BYTES {
            archives.clear();
        }
        archives.insert(place, (Instant::now(), content.clone()));
        content
    }

    async fn index(
        &self,
        repository: &str,
        way: &Way<'_>,
        max_age: Duration,
    ) -> Result<Arc<RepositoryIndex>, CheckoutError> {
        let slot = self.slot(repository, way.access);
        let mut slot = slot.lock().await;
        if let Some((asked, index)) = slot.as_ref()
            && asked.elapsed() < max_age
        {
            return Ok(index.clone());
        }
        let shown = without_login(repository);
        let fault = |reason: String, transient| CheckoutError {
            message: format!(
                "looks like {shown:?} is not a valid chart repository or cannot be reached: {reason}"
            ),
            transient,
        };
        let address =
            chart_address(repository, "index.yaml").map_err(|error| fault(error.to_string(), false))?;
        let text = way.repositories.file(address.as_str(), way.access, LIMITS).await;
        let text = text.map_err(|error| fault(error.message, error.transient))?;
        let parsed =
            belay_cluster::aside(move || RepositoryIndex::parse(&String::from_utf8_lossy(&text))).await;
        let parsed = parsed.map_err(|error| fault(error.to_string(), true))?;
        let index = Arc::new(parsed.map_err(|error| fault(belay_causes::chain(&error), false))?);
        *slot = Some((Instant::now(), index.clone()));
        Ok(index)
    }

    fn slot(&self, repository: &str, access: &Access) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (repository.to_owned(), access.clone());
        if known.len() >= MOST && !known.contains_key(&place) {
            // Whoever waits for one of them has it still.
            known.clear();
        }
        known.entry(place).or_default().clone()
    }
}

fn not_found(chart: &WantedChart) -> CheckoutError {
    let WantedChart { name, version, repository, .. } = chart;
    let repository = without_login(repository);
    refused(match chart.is_locked {
        true => format!(
            "chart {name} not found in {repository}: chart {name:?} version {version:?} not found in {repository} \
             repository"
        ),
        false => format!(
            "can't get a valid version for 1 subchart(s): {name:?} (repository {repository:?}, version {version:?}). Make \
             sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml"
        ),
    })
}

fn refused(message: String) -> CheckoutError {
    CheckoutError { message, transient: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_source::{Checkout, Request};
    use futures::FutureExt;
    use futures::future::BoxFuture;

    const REPOSITORY: &str = "https://charts.example.com/stable";

    /// Servers that have some files, and note who asks for what with a login.
    #[derive(Default)]
    struct Servers {
        files: Mutex<HashMap<String, String>>,
        asked: Mutex<Vec<String>>,
    }

    impl Servers {
        fn put(&self, url: &str, content: &str) {
            self.files.lock().unwrap().insert(url.to_owned(), content.to_owned());
        }

        fn index(&self, versions: &[(&str, &str)]) {
            let versions =
                versions.iter().map(|(version, url)| format!("{{version: {version}, urls: ['{url}']}}"));
            let versions = versions.collect::<Vec<_>>().join(", ");
            self.put(
                &format!("{REPOSITORY}/index.yaml"),
                &format!("apiVersion: v1\nentries: {{db: [{versions}]}}\n"),
            );
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut *self.asked.lock().unwrap())
        }
    }

    impl Repositories for Servers {
        fn checkout<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
            panic!("nobody asks for {}", request.url)
        }

        fn file<'a>(
            &'a self,
            url: &'a str,
            access: &'a Access,
            _: FetchLimits,
        ) -> BoxFuture<'a, Result<Vec<u8>, CheckoutError>> {
            let login = if access.login.is_some() { " with a login" } else { "" };
            self.asked.lock().unwrap().push(format!("{url}{login}"));
            let found = self.files.lock().unwrap().get(url).map(|text| text.clone().into_bytes());
            async move { found.ok_or_else(|| refused("404 Not Found".to_owned())) }.boxed()
        }

        fn forget(&self, _: &str) {}
    }

    struct World {
        servers: Servers,
        charts: ChartRepositories,
        passes_login: bool,
    }

    impl World {
        fn new() -> World {
            World { servers: Servers::default(), charts: ChartRepositories::default(), passes_login: false }
        }

        async fn fetch(&self, version: &str) -> Result<(String, Bytes), String> {
            let chart = WantedChart {
                name: "db".to_owned(),
                version: version.to_owned(),
                is_locked: !version.starts_with('^'),
                repository: REPOSITORY.to_owned(),
                is_named: false,
            };
            let way = Way {
                repositories: &self.servers,
                access: &Access::basic("ada", "s3cr3t"),
                passes_login: self.passes_login,
                max_age: Duration::from_secs(60),
            };
            self.charts.fetch(&chart, &way).await.map_err(|error| error.message)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_index_is_asked_for_once_a_while_and_again_for_what_it_lacks() {
        let world = World::new();
        world.servers.index(&[("1.0.0", "db-1.0.0.tgz")]);
        world.servers.put(&format!("{REPOSITORY}/db-1.0.0.tgz"), "one");
        let (name, content) = world.fetch("^1").await.unwrap();
        assert_eq!((name.as_str(), &content[..]), ("db-1.0.0.tgz", &b"one"[..]));
        world.fetch("1.0.0").await.unwrap();
        let index = format!("{REPOSITORY}/index.yaml with a login");
        let archive = format!("{REPOSITORY}/db-1.0.0.tgz with a login");
        assert_eq!(world.servers.asked(), [index, archive], "two apps, and one request");
        // A newer one counts when the index has got old, or when nothing else will do.
        world.servers.index(&[("1.0.0", "db-1.0.0.tgz"), ("1.1.0", "db-1.1.0.tgz")]);
        world.servers.put(&format!("{REPOSITORY}/db-1.1.0.tgz"), "newer");
        assert_eq!(world.fetch("^1").await.unwrap().0, "db-1.0.0.tgz");
        assert_eq!(world.fetch("1.1.0").await.unwrap().0, "db-1.1.0.tgz");
        world.servers.index(&[("1.2.0", "db-1.2.0.tgz")]);
        world.servers.put(&format!("{REPOSITORY}/db-1.2.0.tgz"), "newest");
        assert_eq!(world.fetch("^1").await.unwrap().0, "db-1.1.0.tgz");
        tokio::time::advance(Duration::from_secs(61)).await;
        let (name, content) = world.fetch("^1").await.unwrap();
        assert_eq!(name, "db-1.2.0.tgz");
        tokio::time::advance(Duration::from_secs(61)).await;
        let (_, again) = world.fetch("^1").await.unwrap();
        assert_eq!(content.as_ptr(), again.as_ptr(), "the same content is kept once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_is_for_its_own_server_unless_it_is_passed_on() {
        let mut world = World::new();
        let elsewhere = "https://files.example.com/db-1.0.0.tgz";
        world.servers.index(&[("1.0.0", elsewhere)]);
        world.servers.put(elsewhere, "one");
        world.fetch("1.0.0").await.unwrap();
        assert_eq!(world.servers.asked()[1], elsewhere);
        world.passes_login = true;
        world.fetch("1.0.0").await.unwrap();
        assert_eq!(
            world.servers.asked(),
            [format!("{elsewhere} with a login")],
            "who shows less gets its own"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bad_m1_what_is_not_to_be_had_is_named() {
        let world = World::new();
        let unreached =
            format!("looks like {REPOSITORY:?} is not a valid chart repository or cannot be reached: ");
        assert_eq!(world.fetch("1.0.0").await.unwrap_err(), format!("{unreached}404 Not Found"));
        world.servers.put(&format!("{REPOSITORY}/index.yaml"), "<html>");
        assert_eq!(world.fetch("1.0.0").await.unwrap_err(), format!("{unreached}no API version specified"));
        world.servers.index(&[("1.0.0", "db-1.0.0.tgz"), ("1.1.0", "../../.."), ("1.2.0", "x://")]);
        let said = world.fetch("1.0.0").await.unwrap_err();
        assert_eq!(said, format!("could not download {REPOSITORY}/db-1.0.0.tgz: 404 Not Found"));
        let said = world.fetch("1.1.0").await.unwrap_err();
        assert_eq!(said, "could not download https://charts.example.com/: it names no file");
        assert!(world.fetch("1.2.0").await.unwrap_err().contains("it names no file"));
        let said = world.fetch("9.0.0").await.unwrap_err();
        assert!(said.starts_with(&format!("chart db not found in {REPOSITORY}: ")), "{said}");
        let said = world.fetch("^9").await.unwrap_err();
        assert!(said.starts_with("can't get a valid version for 1 subchart(s): \"db\""), "{said}");
    }
}
