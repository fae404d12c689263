//! The chart that a person names: on the disk, in a repository, or at an address.

use std::fs;
use std::path::{Path, PathBuf};

use belay_filetree::{FileTree, Kind, MemoryTree, Reads, RecordingTree, TreePath};
use belay_helm::{Chart, ChartVersion, LoadLimits};
use belay_source::SecretText;
use reqwest::Url;

use super::download::{fetch_index, resolve};
use super::http::Access;
use super::provenance::Verification;
use super::settings::Settings;
use super::{repositories_file, tree_at};
use crate::failure::Original;

#[cfg(test)]
mod tests;

/// Where a chart is fetched from that is not on the disk.
#[derive(clap::Args, Default)]
pub(super) struct ChartArguments {
    /// The repository's address, for a chart that is given by its name.
    #[arg(long, default_value = "")]
    repo: String,
    /// The chart's version, or a range of them; else the newest release.
    #[arg(long, default_value = "")]
    version: String,
    /// Take pre-releases too: the version `>0.0.0-0`, if none is given.
    #[arg(long)]
    devel: bool,
    /// The user name for the repository.
    #[arg(long, default_value = "")]
    username: String,
    /// The password for the repository.
    #[arg(long, default_value = "", hide_default_value = true)]
    password: String,
    /// Tell every server the user name and the password.
    #[arg(long)]
    pass_credentials: bool,
    /// Trust the authorities in this file.
    #[arg(long, default_value = "")]
    ca_file: String,
    /// Our own certificate.
    #[arg(long, default_value = "")]
    cert_file: String,
    /// The key of our own certificate.
    #[arg(long, default_value = "")]
    key_file: String,
    /// Trust every server.
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// No effect: it is about OCI registries, which are not supported yet.
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    verification: Verification,
}

/// A chart that is there.
pub(super) enum Located {
    /// A folder or an archive on the disk.
    OnDisk(PathBuf),
    /// An archive that was fetched.
    Fetched {
        /// The file's name.
        name: String,
        /// Its content.
        archive: Vec<u8>,
    },
}

impl ChartArguments {
    /// Finds the chart, and fetches it if it is not on the disk.
    pub(super) fn locate(&self, reference: &str, settings: &Settings) -> Result<Located, Original> {
        let reference = reference.trim();
        if reference.starts_with("oci://") {
            return Err(oci_is_refused(reference));
        }
        if !self.repo.is_empty() {
            let (address, access) = self.find_in_repository(reference)?;
            return self.fetch_address(&address, access, settings);
        }
        let place = Path::new(reference);
        if place.exists() {
            let absolute = std::path::absolute(place).map_err(|error| Original::of(&error))?;
            if self.verification.verify {
                self.verification.check_file(&absolute)?;
            }
            return Ok(Located::OnDisk(absolute));
        }
        if place.is_absolute() || reference.starts_with('.') {
            return Err(Original::new(format!("path {reference:?} not found")));
        }
        match reference.split_once("://") {
            Some((_, rest)) if rest.contains('/') => self.fetch_address(reference, self.access(), settings),
            Some(_) => Err(no_alias(reference)),
            None => self.fetch_from_named(reference, settings),
        }
    }

    fn version(&self) -> &str {
        match self.version.trim() {
            "" if self.devel => ">0.0.0-0",
            version => version,
        }
    }

    fn access(&self) -> Access {
        Access {
            username: self.username.clone(),
            password: SecretText::new(self.password.clone()),
            pass_everywhere: self.pass_credentials,
            certificate_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            authorities_file: self.ca_file.clone(),
            insecure: self.insecure_skip_tls_verify,
        }
    }

    /// `--repo`: the chart's address, and who asks for it.
    fn find_in_repository(&self, chart: &str) -> Result<(String, Access), Original> {
        let (repository, access) = (self.repo.as_str(), self.access());
        match repository.split_once("://") {
            Some(("http" | "https", _)) => {}
            Some(("oci", _)) => return Err(oci_is_refused(repository)),
            scheme => {
                let scheme = scheme.map_or("", |(scheme, _)| scheme);
                return Err(Original::new(format!("could not find protocol handler for: {scheme}")));
            }
        }
        let index = fetch_index(repository, &access).map_err(|error| not_reached(repository, &error))?;
        let mut wanted = format!("chart {chart:?}");
        if !self.version().is_empty() {
            wanted.push_str(&format!(" version {:?}", self.version()));
        }
        let found = index
            .get(chart, self.version())
            .map_err(|_missing| Original::new(format!("{wanted} not found in {repository} repository")))?;
        let reference = first_address(found, &wanted)?;
        let address = resolve(repository, reference)
            .map_err(|error| Original::new(format!("failed to make chart URL absolute: {error}")))?;
        let same = Url::parse(repository).is_ok_and(|repository| repository.origin() == address.origin());
        let access = if same || self.pass_credentials { access } else { access.nameless() };
        Ok((address.into(), access))
    }

    /// `NAME/CHART`, by the index that `helm repo update` left.
    fn fetch_from_named(&self, reference: &str, settings: &Settings) -> Result<Located, Original> {
        let (name, chart) = reference.split_once('/').ok_or_else(|| no_alias(reference))?;
        let repositories = repositories_file::load(settings)?;
        let known = repositories.iter().find(|repository| repository.name == name);
        let repository = known.ok_or_else(|| Original::new(format!("repo {name} not found")))?;
        if repository.url.is_empty() {
            return Err(Original::new(format!("no URL found for repository {name}")));
        }
        let index = repository.cached_index(settings)?;
        let found = index.get(chart, self.version()).map_err(|error| {
            Original::new(format!(
                "chart {chart:?} matching {} not found in {name} index. (try 'helm repo update'): {error}",
                self.version()
            ))
        })?;
        let address = resolve(&repository.url, first_address(found, &format!("chart {reference:?}"))?)?;
        let access = with_own(self.access(), &repository.access);
        let archive = match cached(found.digest.as_deref().unwrap_or_default(), settings)? {
            Some(archive) => archive,
            None => access.get(address.as_str(), &repository.url)?,
        };
        self.fetched(&address, archive, &access, &repository.url)
    }

    /// An address that was written out: a repository that is known and has it may tell how its server is asked.
    fn fetch_address(&self, address: &str, access: Access, settings: &Settings) -> Result<Located, Original> {
        let (mut access, mut own) = (access, address.to_owned());
        for repository in repositories_file::load(settings)? {
            if repository.cached_index(settings)?.names_address(address) {
                access = with_own(access, &repository.access);
                own = repository.url;
                break;
            }
        }
        let archive = access.get(address, &own)?;
        let failed = |error| Original::new(format!("failed to parse {address} as URL: {error}"));
        self.fetched(&Url::parse(address).map_err(failed)?, archive, &access, &own)
    }

    /// The archive that was fetched, once it is known to be what was signed.
    fn fetched(
        &self,
        address: &Url,
        archive: Vec<u8>,
        access: &Access,
        own: &str,
    ) -> Result<Located, Original> {
        let name = address.path_segments().and_then(Iterator::last).unwrap_or_default().to_owned();
        if self.verification.verify {
            let beside = format!("{address}.prov");
            let provenance = access
                .get(&beside, own)
                .map_err(|_unread| Original::new(format!("failed to fetch provenance {beside:?}")))?;
            self.verification.check(&name, &archive, &provenance)?;
        }
        Ok(Located::Fetched { name, archive })
    }
}

/// What the person says, unless the repository's entry says something else.
fn with_own(given: Access, own: &Access) -> Access {
    let mut access = given;
    if [&own.certificate_file, &own.key_file, &own.authorities_file].iter().any(|file| !file.is_empty()) {
        access.certificate_file.clone_from(&own.certificate_file);
        access.key_file.clone_from(&own.key_file);
        access.authorities_file.clone_from(&own.authorities_file);
    }
    if !own.username.is_empty() && !own.password.is_empty() {
        access.username.clone_from(&own.username);
        access.password = own.password.clone();
        access.pass_everywhere = own.pass_everywhere;
    }
    access
}

/// A chart that Helm fetched before.
fn cached(digest: &str, settings: &Settings) -> Result<Option<Vec<u8>>, Original> {
    let digest = digest.split_once(':').map_or(digest, |(_, digest)| digest);
    if digest.is_empty() {
        return Ok(None);
    }
    if let Some(wrong) = digest.bytes().find(|byte| !byte.is_ascii_hexdigit()) {
        let wrong = char::from(wrong);
        return Err(Original::new(format!("unable to decode digest: encoding/hex: invalid byte: {wrong:?}")));
    }
    if digest.len() != 64 {
        return Err(Original::new(format!("invalid digest length: {}", digest.len() / 2)));
    }
    let file = settings.cached_chart(&digest.to_ascii_lowercase());
    Ok(fs::read(file).ok().filter(|archive| !archive.is_empty()))
}

fn first_address<'a>(version: &'a ChartVersion, wanted: &str) -> Result<&'a str, Original> {
    let first = version.urls.first().map(String::as_str);
    first.ok_or_else(|| Original::new(format!("{wanted} has no downloadable URLs")))
}

/// What Helm says of a repository whose index is not had.
pub(super) fn not_reached(repository: &str, error: &Original) -> Original {
    Original::new(format!(
        "looks like {repository:?} is not a valid chart repository or cannot be reached: {error}"
    ))
}

fn no_alias(reference: &str) -> Original {
    Original::new(format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"))
}

fn oci_is_refused(reference: &str) -> Original {
    Original::new(format!("{reference} is in an OCI registry: OCI is not supported yet"))
}

impl Located {
    /// The chart, to be rendered, and what was read to load it.
    pub(super) fn load_recorded(&self) -> Result<(Chart, Reads), Original> {
        let (tree, path) = self.tree()?;
        let recording = RecordingTree::new(tree.as_ref());
        Ok((load(&recording, &path)?, recording.into_reads()))
    }

    /// The chart, to be rendered.
    pub(super) fn load(&self) -> Result<Chart, Original> {
        let (tree, path) = self.tree()?;
        load(tree.as_ref(), &path)
    }

    /// The chart, to be looked at.
    pub(super) fn load_any_version(&self) -> Result<Chart, Original> {
        let (tree, path) = self.tree()?;
        Chart::load_any_version(tree.as_ref(), &path).map_err(|error| Original::of(&error))
    }

    /// What the chart is in, and its place there.
    fn tree(&self) -> Result<(Box<dyn FileTree>, TreePath), Original> {
        Ok(match self {
            Located::OnDisk(place) => {
                let (tree, path) = tree_at(place)?;
                (Box::new(tree), path)
            }
            Located::Fetched { name, archive } => {
                let (tree, path) = tree_of(name, archive);
                (Box::new(tree), path)
            }
        })
    }
}

fn load(tree: &dyn FileTree, path: &TreePath) -> Result<Chart, Original> {
    Chart::load_with(tree, path, LoadLimits::of_command_line()).map_err(|error| Original::of(&error))
}

/// The archive as a file of its name.
fn tree_of(name: &str, archive: &[u8]) -> (MemoryTree, TreePath) {
    let path = TreePath::parse(name).ok().filter(|path| path.components().count() == 1);
    let path = path.unwrap_or_else(|| TreePath::root().child("chart.tgz"));
    let mut tree = MemoryTree::new();
    tree.insert(path.clone(), Kind::File, archive.to_vec());
    (tree, path)
}
