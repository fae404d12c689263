//! `repositories.yaml`: the repositories that a person named with `helm repo add`.

use std::fs;
use std::io;
use std::path::Path;

use belay_helm::RepositoryIndex;
use belay_source::SecretText;
use serde_json::Value;

use super::http::Access;
use super::settings::Settings;
use crate::failure::Original;

/// A repository with a name.
#[derive(Clone)]
pub(super) struct NamedRepository {
    pub(super) name: String,
    pub(super) url: String,
    /// How its server is asked for the index.
    pub(super) access: Access,
}

/// The repositories of the file, in its order; none if there is no file.
pub(super) fn load(settings: &Settings) -> Result<Vec<NamedRepository>, Original> {
    let file = settings.repositories_file();
    let failed = |error: &io::Error| {
        let cause = Original::failed("open", &file, error);
        Original::new(format!("couldn't load repositories file ({}): {cause}", file.display()))
    };
    let text = match fs::read(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let document = belay_goyaml::to_json(&text)
        .map_err(|error| Original::new(format!("error converting YAML to JSON: {}", Original::of(&error))))?;
    Ok(document["repositories"].as_array().into_iter().flatten().map(named_repository).collect())
}

fn named_repository(entry: &Value) -> NamedRepository {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let holds = |name: &str| entry[name].as_bool().unwrap_or_default();
    NamedRepository {
        name: text("name"),
        url: text("url"),
        access: Access {
            username: text("username"),
            password: SecretText::new(text("password")),
            pass_everywhere: holds("pass_credentials_all"),
            certificate_file: text("certFile"),
            key_file: text("keyFile"),
            authorities_file: text("caFile"),
            insecure: holds("insecure_skip_tls_verify"),
        },
    }
}

impl NamedRepository {
    /// The index as `helm repo update` left it.
    pub(super) fn cached_index(&self, settings: &Settings) -> Result<RepositoryIndex, Original> {
        read_index(&settings.cached_index(&self.name)).map_err(|error| {
            Original::new(format!("no cached repo found. (try 'helm repo update'): {error}"))
        })
    }

    /// Whether that is the address of the repository.
    pub(super) fn is_at(&self, address: &str) -> bool {
        self.url.trim_end_matches('/') == address.trim_end_matches('/')
    }
}

fn read_index(file: &Path) -> Result<RepositoryIndex, Original> {
    let bytes = fs::read(file).map_err(|error| Original::failed("open", file, &error))?;
    RepositoryIndex::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|error| Original::new(format!("error loading {}: {}", file.display(), Original::of(&error))))
}
