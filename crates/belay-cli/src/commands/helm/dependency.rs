//! `belay helm dependency`: list, build and update the charts in `charts/`.

use std::fs;
use std::path::{Path, PathBuf};

use belay_helm::version::{is_range, satisfies};
use belay_helm::{Chart, Dependency, Lock, repository_name};

use super::download::Repositories;
use super::settings::Settings;
use super::{Printed, clean, load_place};
use crate::failure::Original;
use crate::written;

/// Manage the charts that a chart depends on, as `helm dependency` does.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// List what Chart.yaml asks for, and whether it is there.
    #[command(visible_alias = "ls")]
    List(ListArguments),
    /// Fill charts/ with the versions of Chart.lock.
    Build(FetchArguments),
    /// Choose versions, fill charts/ with them and write Chart.lock.
    #[command(visible_alias = "up")]
    Update(FetchArguments),
}

/// The chart to look at.
#[derive(clap::Args)]
pub(super) struct ListArguments {
    /// A chart's folder.
    #[arg(default_value = ".")]
    chart: String,
    /// The widest a column may be.
    #[arg(long, default_value_t = 80)]
    max_col_width: usize,
}

/// The chart to fill, and how to reach its repositories.
#[derive(clap::Args)]
pub(super) struct FetchArguments {
    /// A chart's folder.
    #[arg(default_value = ".")]
    chart: String,
    /// Take the indices that Helm keeps of repositories with a name as they are.
    #[arg(long)]
    skip_refresh: bool,
    /// The user name for the repositories.
    #[arg(long, default_value = "")]
    username: String,
    /// The password for the repositories.
    #[arg(long, default_value = "")]
    password: String,
    /// Refused: signatures are not checked.
    #[arg(long)]
    verify: bool,
}

/// Carries the command out.
pub(super) fn run(command: &Command, settings: &Settings) -> Printed {
    let mut text = String::new();
    let result = match command {
        Command::List(arguments) => list(arguments, &mut text),
        Command::Build(arguments) => {
            check(arguments).and_then(|()| fetcher(arguments, settings, &mut text)?.build())
        }
        Command::Update(arguments) => {
            check(arguments).and_then(|()| fetcher(arguments, settings, &mut text)?.update())
        }
    };
    Printed { output: text.into_bytes(), warnings: Vec::new(), error: result.err() }
}

/// `--dependency-update`
pub(super) fn update(chart: &Path, settings: &Settings, text: &mut String) -> Result<(), Original> {
    let repositories = Repositories::new(settings, "", "")?;
    Fetcher { place: chart.to_owned(), repositories, skip_refresh: false, text }.update()
}

fn check(arguments: &FetchArguments) -> Result<(), Original> {
    if arguments.verify {
        return Err(Original::new("`--verify` is not supported: signatures are not checked"));
    }
    Ok(())
}

fn fetcher<'a>(
    arguments: &FetchArguments,
    settings: &Settings,
    text: &'a mut String,
) -> Result<Fetcher<'a>, Original> {
    let repositories = Repositories::new(settings, &arguments.username, &arguments.password)?;
    let skip_refresh = arguments.skip_refresh;
    Ok(Fetcher { place: PathBuf::from(&arguments.chart), repositories, skip_refresh, text })
}

fn list(arguments: &ListArguments, text: &mut String) -> Result<(), Original> {
    let place = PathBuf::from(&arguments.chart);
    let chart = load_place(&place)?;
    let Some(dependencies) = &chart.metadata.dependencies else {
        let charts = clean(&place.join("charts"));
        text.push_str(&format!("WARNING: no dependencies at {charts}\n"));
        return Ok(());
    };
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned)];
    for wanted in dependencies {
        let status = status(&place, wanted, &chart).to_owned();
        rows.push([wanted.name.clone(), wanted.version.clone(), wanted.repository.clone(), status]);
    }
    text.push_str(&table(&rows, arguments.max_col_width));
    text.push('\n');
    warn_of_strangers(&place, dependencies, text)
}

/// Columns as wide as their widest cell, filled with blanks and parted by tabs.
fn table(rows: &[[String; 4]], limit: usize) -> String {
    let short = |cell: &str| {
        if cell.chars().count() <= limit {
            return cell.to_owned();
        }
        cell.chars().take(limit.saturating_sub(3)).collect::<String>() + "..."
    };
    let width = |column: usize| rows.iter().map(|row| short(&row[column]).chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", short(cell))).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

fn status(place: &Path, wanted: &Dependency, chart: &Chart) -> &'static str {
    let archives = archives_of(place, &wanted.name);
    let versioned = |archive: &&PathBuf| {
        let name = archive.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let version = name.strip_prefix(&format!("{}-", wanted.name)).unwrap_or(&name).to_owned();
        belay_helm::version::is_strict(&version)
    };
    match archives.as_slice() {
        [] => {}
        [archive] => return status_of_archive(archive, wanted),
        many => match many.iter().filter(versioned).collect::<Vec<_>>().as_slice() {
            [] => {}
            [archive] => return status_of_archive(archive, wanted),
            _ => return "too many matches",
        },
    }
    match chart.dependencies.iter().rev().find(|subchart| subchart.name() == wanted.name) {
        None => "missing",
        Some(subchart) => version_status(&subchart.metadata.version, &wanted.version, "unpacked"),
    }
}

fn status_of_archive(archive: &Path, wanted: &Dependency) -> &'static str {
    match load_place(archive) {
        Err(_) => "corrupt",
        Ok(chart) if chart.name() != wanted.name => "misnamed",
        Ok(chart) => version_status(&chart.metadata.version, &wanted.version, "ok"),
    }
}

fn version_status(found: &str, wanted: &str, good: &'static str) -> &'static str {
    if found == wanted || satisfies(wanted, found) {
        good
    } else if is_range(wanted) {
        "wrong version"
    } else {
        "invalid version"
    }
}

/// `charts/NAME-*.tgz`
fn archives_of(place: &Path, name: &str) -> Vec<PathBuf> {
    let mut archives = entries(&place.join("charts"));
    archives.retain(|entry| {
        let file = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.strip_prefix(&format!("{name}-")).is_some_and(|rest| rest.ends_with(".tgz"))
    });
    archives
}

/// What a folder holds, in the order of the names; nothing if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

fn warn_of_strangers(place: &Path, wanted: &[Dependency], text: &mut String) -> Result<(), Original> {
    for entry in entries(&place.join("charts")) {
        if !entry.is_dir() && entry.extension().is_none_or(|extension| extension != "tgz") {
            continue;
        }
        let shown = clean(&entry);
        match load_place(&entry) {
            Err(_) => text.push_str(&format!("WARNING: {shown:?} is not a chart.\n")),
            Ok(chart) if wanted.iter().all(|dependency| dependency.name != chart.name()) => {
                text.push_str(&format!("WARNING: {shown:?} is not in Chart.yaml.\n"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Fills a chart's `charts/`.
struct Fetcher<'a> {
    place: PathBuf,
    repositories: Repositories,
    skip_refresh: bool,
    text: &'a mut String,
}

impl Fetcher<'_> {
    /// To the versions of the lock, or as `update` does if there is none.
    fn build(mut self) -> Result<(), Original> {
        let chart = self.load()?;
        if chart.lock.is_none() {
            return self.update();
        }
        let mut wanted = chart.metadata.dependencies.clone().unwrap_or_default();
        self.resolve(&mut wanted)?;
        let locked = chart.locked(&wanted).map_err(|error| Original::of(&error))?;
        let mut locked = locked.unwrap_or_default().to_vec();
        self.check_known(&locked)?;
        self.refresh_named(&locked);
        self.fetch_all(&mut locked)
    }

    /// What a lock names comes from repositories with a name alone.
    fn check_known(&self, locked: &[Dependency]) -> Result<(), Original> {
        let places = locked.iter().map(|dependency| dependency.repository.as_str());
        let remote = places.filter(|place| !place.is_empty() && !place.starts_with("file://"));
        let unknown: Vec<&str> = remote.filter(|place| self.repositories.entry(place).is_none()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Original::new(format!(
            "no repository definition for {}. Please add the missing repos via 'helm repo add'",
            unknown.join(", ")
        )))
    }

    fn update(mut self) -> Result<(), Original> {
        let chart = self.load()?;
        let Some(mut wanted) = chart.metadata.dependencies.clone() else { return Ok(()) };
        self.resolve(&mut wanted)?;
        self.refresh_unnamed(&wanted);
        self.refresh_named(&wanted);
        let mut chosen = self.choose(&wanted)?;
        self.fetch_all(&mut chosen)?;
        let generated = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        let lock = Lock::of(&wanted, chosen, &generated);
        if chart.lock.as_ref().is_some_and(|old| old.digest == lock.digest) {
            return Ok(());
        }
        let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
        let file = self.place.join(name);
        if file.is_symlink() {
            return Err(Original::new(format!("the {name} file is a symlink")));
        }
        written::replace(&self.place, &file, lock.to_yaml().as_bytes())
            .map_err(|error| Original::failed("open", &file, &error))
    }

    fn load(&self) -> Result<Chart, Original> {
        let shown = self.place.display();
        match fs::metadata(&self.place) {
            Ok(metadata) if metadata.is_dir() => load_place(&self.place),
            Ok(_) => Err(Original::new("only unpacked charts can be updated")),
            Err(error) => {
                let cause = Original::failed("stat", &self.place, &error);
                Err(Original::new(format!("could not find {shown}: {cause}")))
            }
        }
    }

    /// Puts addresses in place of aliases. Folders that are named are there, and nothing is wanted that cannot be
    /// fetched.
    fn resolve(&self, wanted: &mut [Dependency]) -> Result<(), Original> {
        let mut unknown = Vec::new();
        for dependency in wanted {
            let repository = &dependency.repository;
            if repository.starts_with("oci://") {
                return Err(Original::new(format!(
                    "dependency {} is in an OCI registry ({repository}): OCI is not supported yet",
                    dependency.name
                )));
            }
            if repository.starts_with("file://") {
                self.local(repository)?;
            } else if let Some(named) = self.repositories.by_alias(repository) {
                dependency.repository.clone_from(&named.url);
            } else if !repository.is_empty() && !repository.contains("://") {
                unknown.push(repository.clone());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut error = format!(
            "no repository definition for {}. Please add them via 'helm repo add'",
            unknown.join(", ")
        );
        if unknown
            .iter()
            .any(|repository| !repository.contains("//") && repository_name(repository).is_none())
        {
            error.push_str(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\n\
                 repository, use \"https://charts.example.com/\" or \"@example\" instead of\n\
                 \"example\". Don't forget to add the repo, too ('helm repo add').",
            );
        }
        Err(Original::new(error))
    }

    /// The folder that `file://` names, from the chart's folder.
    fn local(&self, repository: &str) -> Result<PathBuf, Original> {
        let folder = self.place.join(repository.trim_start_matches("file://"));
        if folder.exists() {
            return Ok(folder);
        }
        Err(Original::new(format!("directory {} not found", normal(&folder))))
    }

    /// The addresses that are wanted, each once, of repositories that have a name or of the others.
    fn addresses(&self, wanted: &[Dependency], named: bool) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        let plain = |address: &str| address.trim_end_matches('/').to_owned();
        for dependency in wanted.iter().filter(|dependency| dependency.repository.starts_with("http")) {
            let address = &dependency.repository;
            let is_known = addresses.iter().any(|known| plain(known) == plain(address));
            if !is_known && self.repositories.entry(address).is_some() == named {
                addresses.push(address.clone());
            }
        }
        addresses
    }

    /// Fetches the indices of repositories that no `helm repo add` named.
    fn refresh_unnamed(&mut self, wanted: &[Dependency]) {
        let addresses = self.addresses(wanted, false);
        if addresses.is_empty() || self.skip_refresh {
            return;
        }
        self.text.push_str("Getting updates for unmanaged Helm repositories...\n");
        for address in addresses {
            let result = self.repositories.refresh(&address);
            self.note_update(&format!("{address:?}"), "", result);
        }
    }

    /// Fetches the indices of the repositories with a name that are wanted. Helm fetches those of all others, too.
    fn refresh_named(&mut self, wanted: &[Dependency]) {
        let addresses = self.addresses(wanted, true);
        if addresses.is_empty() || self.skip_refresh {
            return;
        }
        self.text.push_str("Hang tight while we grab the latest from your chart repositories...\n");
        for address in addresses {
            let name = self.repositories.entry(&address).map(|entry| entry.name.clone()).unwrap_or_default();
            let result = self.repositories.refresh(&address);
            self.note_update(&format!("{name:?}"), &format!(" ({address})"), result);
        }
        self.text.push_str("Update Complete. ⎈Happy Helming!⎈\n");
    }

    fn note_update(&mut self, repository: &str, address: &str, result: Result<(), Original>) {
        self.text.push_str(&match result {
            Ok(()) => format!("...Successfully got an update from the {repository} chart repository\n"),
            Err(error) => {
                let place = format!("{repository} chart repository{address}");
                format!("...Unable to get an update from the {place}:\n\t{error}\n")
            }
        });
    }

    /// The newest version in the range, for each.
    fn choose(&mut self, wanted: &[Dependency]) -> Result<Vec<Dependency>, Original> {
        let mut chosen = Vec::new();
        let mut missing = Vec::new();
        for dependency in wanted {
            let Dependency { name, version, repository, .. } = dependency;
            if !is_range(version) {
                return Err(Original::new(format!(
                    "dependency {name:?} has an invalid version/constraint format: improper constraint: {version}"
                )));
            }
            let found = if repository.is_empty() {
                self.local(&format!("charts/{name}"))?;
                Some(version.clone())
            } else if repository.starts_with("file://") {
                let local = load_place(&self.local(repository)?)?.metadata.version;
                satisfies(version, &local).then_some(local)
            } else {
                self.repositories.version(repository, name, version)?
            };
            match found {
                Some(version) => chosen.push(Dependency {
                    name: name.clone(),
                    version,
                    repository: repository.clone(),
                    ..Dependency::default()
                }),
                None => missing.push(format!("{name:?} (repository {repository:?}, version {version:?})")),
            }
        }
        if missing.is_empty() {
            return Ok(chosen);
        }
        Err(Original::new(format!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the \
             repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )))
    }

    /// Gets every archive before the first is put into `charts/`; then takes out those of other versions.
    fn fetch_all(&mut self, chosen: &mut [Dependency]) -> Result<(), Original> {
        let charts = self.place.join("charts");
        // Whatever lies in there is written over, or deleted: it has to be the chart's own.
        written::make_folder(&self.place, &charts)
            .map_err(|error| Original::failed("mkdir", &charts, &error))?;
        self.text.push_str(&format!("Saving {} charts\n", chosen.len()));
        let mut archives: Vec<(String, Vec<u8>)> = Vec::new();
        for dependency in chosen.iter_mut() {
            match self.fetch(dependency) {
                Ok(archive) => archives.extend(archive),
                Err(error) => {
                    self.text.push_str(&format!("Save error occurred:  {error}\n"));
                    return Err(error);
                }
            }
        }
        for (name, archive) in &archives {
            let file = charts.join(name);
            written::replace(&self.place, &file, archive)
                .map_err(|error| Original::failed("open", &file, &error))?;
        }
        self.text.push_str("Deleting outdated charts\n");
        self.delete_outdated(&charts, &archives, chosen)
    }

    /// The archive and its name; none for a chart that is in `charts/` already.
    fn fetch(&mut self, dependency: &mut Dependency) -> Result<Option<(String, Vec<u8>)>, Original> {
        let Dependency { name, version, repository, .. } = dependency;
        if repository.is_empty() {
            self.text.push_str(&format!(
                "Dependency {name} did not declare a repository. Assuming it exists in the charts directory\n"
            ));
            let found = load_place(&self.place.join("charts").join(&*name))?.metadata.version;
            if !satisfies(version, &found) {
                return Err(Original::new(format!(
                    "dependency {name} at version {found} does not satisfy the constraint {version}"
                )));
            }
            return Ok(None);
        }
        if repository.starts_with("file://") {
            let chart = load_place(&self.local(repository)?)?;
            if !satisfies(version, &chart.metadata.version) {
                return Err(Original::new(format!("can't get a valid version for dependency {name}")));
            }
            version.clone_from(&chart.metadata.version);
            let archive = chart.to_archive().map_err(|error| Original::of(&error))?;
            return Ok(Some((chart.archive_name(), archive)));
        }
        self.text.push_str(&format!("Downloading {name} from repo {repository}\n"));
        self.repositories.download(repository, name, version).map(Some)
    }

    fn delete_outdated(
        &mut self,
        charts: &Path,
        kept: &[(String, Vec<u8>)],
        chosen: &[Dependency],
    ) -> Result<(), Original> {
        for file in entries(charts) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if file.is_dir() || kept.iter().any(|(kept, _)| *kept == name) {
                continue;
            }
            let chart = match load_place(&file) {
                Ok(chart) => chart,
                Err(error) => {
                    let shown = clean(&file);
                    let line = format!("Could not verify {shown} for deletion: {error} (Skipping)\n");
                    self.text.push_str(&line);
                    continue;
                }
            };
            let is_local =
                |dependency: &Dependency| dependency.repository.is_empty() && dependency.name == chart.name();
            if !chosen.iter().any(is_local) {
                fs::remove_file(&file).map_err(|error| Original::failed("remove", &file, &error))?;
            }
        }
        Ok(())
    }
}

/// The path without `.` and `..`, as Go joins paths.
fn normal(path: &Path) -> String {
    let mut parts: Vec<std::path::Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (std::path::Component::ParentDir, Some(std::path::Component::Normal(_))) => {
                parts.pop();
            }
            (std::path::Component::CurDir, _) => {}
            _ => parts.push(part),
        }
    }
    parts.iter().collect::<PathBuf>().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository on loopback with one chart; its address.
    fn serve(index: String, archive: Vec<u8>) -> String {
        let files = vec![("/index.yaml", index.into_bytes()), ("/charts/db-1.2.0.tgz", archive)];
        super::super::served::serve(files, None)
    }

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }

    fn arguments(chart: &Path) -> FetchArguments {
        FetchArguments {
            chart: chart.to_string_lossy().into_owned(),
            skip_refresh: false,
            username: String::new(),
            password: String::new(),
            verify: false,
        }
    }

    fn chart(name: &str, version: &str) -> String {
        format!("apiVersion: v2\nname: {name}\nversion: {version}\n")
    }

    fn text(printed: &Printed) -> String {
        String::from_utf8_lossy(&printed.output).into_owned()
    }

    #[test]
    fn bad_p3_a_chart_writes_nothing_through_its_links() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let lock = "dependencies: []\ndigest: sha256:0\ngenerated: \"2026-01-01T00:00:00Z\"\n";
        write(
            folder.path(),
            &[
                ("near/Chart.yaml", &chart("near", "0.3.0")),
                ("older/Chart.yaml", &chart("near", "0.2.0")),
                ("precious/lock", lock),
            ],
        );
        let app = folder.path().join("app");
        let wanted = "dependencies:\n- {name: near, version: 0.x, repository: file://../near}\n";
        write(&app, &[("Chart.yaml", &format!("{}{wanted}", chart("app", "1.0.0")))]);
        let older = load_place(&folder.path().join("older")).unwrap().to_archive().unwrap();
        let archive = folder.path().join("precious/near-0.2.0.tgz");
        fs::write(&archive, &older).unwrap();
        let update = || run(&Command::Update(arguments(&app)), &Settings::below(folder.path()));
        let is_whole = || {
            let files = fs::read_dir(folder.path().join("precious")).unwrap().count();
            let kept = fs::read_to_string(folder.path().join("precious/lock")).unwrap();
            files == 2 && kept == lock && fs::read(&archive).unwrap() == older
        };

        fs::create_dir(folder.path().join("out")).unwrap();
        fs::rename(&archive, folder.path().join("out/near-0.2.0.tgz")).unwrap();
        symlink("../out", app.join("charts")).unwrap();
        let refused = update().error.unwrap().to_string();
        assert!(refused.contains("a link leads out of"), "{refused}");
        let names: Vec<_> = fs::read_dir(folder.path().join("out")).unwrap().flatten().collect();
        assert_eq!(
            (names.len(), names[0].file_name().to_str()),
            (1, Some("near-0.2.0.tgz")),
            "all is as it was"
        );
        fs::rename(folder.path().join("out/near-0.2.0.tgz"), &archive).unwrap();

        fs::remove_file(app.join("charts")).unwrap();
        fs::create_dir(app.join("charts")).unwrap();
        symlink(&archive, app.join("charts/near-0.3.0.tgz")).unwrap();
        symlink("../precious/lock", app.join("Chart.lock")).unwrap();
        let refused = update().error.unwrap().to_string();
        assert_eq!(refused, "the Chart.lock file is a symlink");
        assert!(!app.join("charts/near-0.3.0.tgz").is_symlink(), "an archive takes the place of a link");
        assert!(is_whole());

        fs::remove_file(app.join("Chart.lock")).unwrap();
        assert!(update().error.is_none());
        assert!(app.join("Chart.lock").is_file() && is_whole());
    }

    #[test]
    fn dependencies_are_chosen_fetched_and_locked() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ("db/Chart.yaml", &chart("db", "1.2.0")),
                ("near/Chart.yaml", &chart("near", "0.3.0")),
                ("old/Chart.yaml", &chart("old", "1.0.0")),
            ],
        );
        let packed = |name: &str| load_place(&folder.path().join(name)).unwrap().to_archive().unwrap();
        let archive = packed("db");
        let index = "apiVersion: v1\nentries:\n  db:\n  - {version: 1.2.0, urls: [charts/db-1.2.0.tgz]}\n  - {version: \
                     2.0.0, urls: [charts/db-2.0.0.tgz]}\n";
        let address = serve(index.to_owned(), archive);
        let app = folder.path().join("app");
        let wanted = format!(
            "{}dependencies:\n- {{name: db, version: ^1.0.0, repository: \"{address}\"}}\n- {{name: near, version: \
             0.x, repository: file://../near}}\n",
            chart("app", "1.0.0")
        );
        write(&app, &[("Chart.yaml", &wanted)]);
        fs::create_dir(app.join("charts")).unwrap();
        fs::write(app.join("charts/old-1.0.0.tgz"), packed("old")).unwrap();
        let printed = run(&Command::Update(arguments(&app)), &Settings::below(folder.path()));
        assert!(printed.error.is_none(), "{:?}", printed.error);
        assert!(
            text(&printed).contains(&format!("Downloading db from repo {address}\n")),
            "{}",
            text(&printed)
        );
        let lock = fs::read_to_string(app.join("Chart.lock")).unwrap();
        assert!(lock.contains("version: 1.2.0") && lock.contains("digest: sha256:"), "{lock}");
        assert!(app.join("charts/db-1.2.0.tgz").exists() && app.join("charts/near-0.3.0.tgz").exists());

        fs::remove_dir_all(app.join("charts")).unwrap();
        let printed = run(&Command::Build(arguments(&app)), &Settings::below(folder.path()));
        assert_eq!(
            printed.error.unwrap().to_string(),
            format!(
                "no repository definition for {address}. Please add the missing repos via 'helm repo add'"
            )
        );
        let repositories = format!("repositories: [{{name: r, url: '{address}'}}]\n");
        write(folder.path(), &[("repositories.yaml", &repositories)]);
        let printed = run(&Command::Build(arguments(&app)), &Settings::below(folder.path()));
        assert!(printed.error.is_none(), "{:?}", printed.error);
        assert!(app.join("charts/db-1.2.0.tgz").exists());
        assert_eq!(fs::read_to_string(app.join("Chart.lock")).unwrap(), lock, "build leaves the lock alone");

        let list = ListArguments { chart: app.to_string_lossy().into_owned(), max_col_width: 80 };
        let printed = run(&Command::List(list), &Settings::below(folder.path()));
        let listed = text(&printed);
        let statuses: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').nth(3)).collect();
        assert_eq!(statuses, ["STATUS", "ok    ", "ok    "], "{listed}");

        write(&app, &[("Chart.yaml", &wanted.replace("^1.0.0", "^1.1.0"))]);
        let printed = run(&Command::Build(arguments(&app)), &Settings::below(folder.path()));
        assert!(printed.error.unwrap().to_string().contains("out of sync"));
        write(&app, &[("Chart.yaml", &wanted.replace("^1.0.0", "^9"))]);
        let printed = run(&Command::Update(arguments(&app)), &Settings::below(folder.path()));
        assert!(
            printed
                .error
                .unwrap()
                .to_string()
                .starts_with("can't get a valid version for 1 subchart(s): \"db\"")
        );
    }

    #[test]
    fn an_alias_means_the_repository_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("db/Chart.yaml", &chart("db", "1.2.0"))]);
        let archive = load_place(&folder.path().join("db")).unwrap().to_archive().unwrap();
        let index = "apiVersion: v1\nentries:\n  db:\n  - {version: 1.2.0, urls: [charts/db-1.2.0.tgz]}\n";
        let address = serve(index.to_owned(), archive);
        let app = folder.path().join("app");
        let wanted =
            chart("app", "1.0.0") + "dependencies: [{name: db, version: ^1.0.0, repository: '@r'}]\n";
        let repositories = format!("repositories: [{{name: r, url: '{address}'}}]\n");
        write(folder.path(), &[("app/Chart.yaml", &wanted), ("repositories.yaml", &repositories)]);
        let settings = Settings::below(folder.path());
        let printed = run(&Command::Update(arguments(&app)), &settings);
        assert!(printed.error.is_none(), "{:?}", printed.error);
        let expected = format!(
            "Hang tight while we grab the latest from your chart repositories...\n...Successfully got an update from \
             the \"r\" chart repository\nUpdate Complete. ⎈Happy Helming!⎈\nSaving 1 charts\nDownloading db from \
             repo {address}\nDeleting outdated charts\n"
        );
        assert_eq!(text(&printed), expected);
        let lock = fs::read_to_string(app.join("Chart.lock")).unwrap();
        assert!(lock.contains(&format!("repository: {address}\n")), "{lock}");
        fs::remove_dir_all(app.join("charts")).unwrap();
        let printed = run(&Command::Build(arguments(&app)), &settings);
        assert!(printed.error.is_none(), "{:?}", printed.error);
        assert!(app.join("charts/db-1.2.0.tgz").exists());

        write(folder.path(), &[("repository/r-index.yaml", "apiVersion: v1\n")]);
        let kept = FetchArguments { skip_refresh: true, ..arguments(&app) };
        let error = run(&Command::Update(kept), &settings).error.unwrap().to_string();
        assert_eq!(error, format!("db chart not found in repo {address}"), "the index that is kept has none");
    }

    #[test]
    fn what_cannot_be_fetched_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (repository, said) in [
            ("oci://example.com/charts", "OCI is not supported yet"),
            ("file://../none", "not found"),
            ("@stable", "no repository definition for @stable"),
        ] {
            let text = format!(
                "{}dependencies: [{{name: db, version: '1', repository: '{repository}'}}]\n",
                chart("a", "1.0.0")
            );
            write(folder.path(), &[("app/Chart.yaml", &text)]);
            let printed =
                run(&Command::Update(arguments(&folder.path().join("app"))), &Settings::below(folder.path()));
            let error = printed.error.unwrap().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
