//! Helm's records of a release: Secrets of the storage namespace.

use belay_helm::record::{self, RecordError, Release, Status, Written};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::ApiResource;
use serde_json::Value;

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("the records of release {release} cannot be listed")]
    List {
        release: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("a record of release {release} cannot be read")]
    Read {
        release: String,
        #[source]
        source: RecordError,
    },
    #[error("record {secret} cannot be written")]
    Write {
        secret: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("record {secret} is no Secret")]
    NoSecret { secret: String },
}

/// The records of one namespace.
pub(crate) struct Storage {
    api: Api<DynamicObject>,
    namespace: String,
}

/// A record, and the version of its Secret.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) release: Release,
    pub(crate) resource_version: String,
}

impl Storage {
    /// The records of a namespace.
    pub(crate) fn new(client: &Client, namespace: &str) -> Storage {
        let resource = ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&());
        Storage {
            api: Api::namespaced_with(client.clone(), namespace, &resource),
            namespace: namespace.to_owned(),
        }
    }

    /// All records of a release, oldest first.
    pub(crate) async fn history(&self, name: &str) -> Result<Vec<Stored>, StorageError> {
        let params = ListParams::default().labels(&format!("name={name},owner=helm"));
        let list = self
            .api
            .list(&params)
            .await
            .map_err(|source| StorageError::List { release: name.to_owned(), source: Box::new(source) })?;
        let mut history = Vec::new();
        for secret in list {
            history.push(read(name, secret)?);
        }
        history.sort_by_key(|stored| stored.release.version);
        Ok(history)
    }

    /// Stores a new record.
    pub(crate) async fn create(&self, release: &Release) -> Result<(), StorageError> {
        let secret = self.secret(release, Written::Created(now()))?;
        self.written(release, self.api.create(&PostParams::default(), &secret).await)
    }

    /// Writes a record anew. Gives the version of its Secret.
    pub(crate) async fn update(&self, release: &Release) -> Result<String, StorageError> {
        let secret = self.secret(release, Written::Modified(now()))?;
        let name = record::secret_name(&release.name, release.version);
        let answer = self.api.replace(&name, &PostParams::default(), &secret).await;
        let version = answer.as_ref().ok().and_then(|secret| secret.metadata.resource_version.clone());
        self.written(release, answer)?;
        Ok(version.unwrap_or_default())
    }

    /// Deletes a record; one that is gone already is no error.
    pub(crate) async fn delete(&self, release: &Release) -> Result<(), StorageError> {
        let secret = record::secret_name(&release.name, release.version);
        match self.api.delete(&secret, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(source) => Err(StorageError::Write { secret, source: Box::new(source) }),
        }
    }

    /// Deletes the oldest records until there is room for one more.
    pub(crate) async fn make_room(
        &self,
        history: &[Stored],
        most: Option<usize>,
    ) -> Result<(), StorageError> {
        for old in too_many(history, most) {
            self.delete(&old.release).await?;
        }
        Ok(())
    }

    fn secret(&self, release: &Release, written: Written) -> Result<DynamicObject, StorageError> {
        let mut secret = record::to_secret(release, written);
        secret["metadata"]["namespace"] = Value::from(self.namespace.as_str());
        serde_json::from_value(secret).map_err(|_no_object| StorageError::NoSecret {
            secret: record::secret_name(&release.name, release.version),
        })
    }

    fn written(
        &self,
        release: &Release,
        answer: Result<DynamicObject, kube::Error>,
    ) -> Result<(), StorageError> {
        let secret = record::secret_name(&release.name, release.version);
        answer.map(drop).map_err(|source| StorageError::Write { secret, source: Box::new(source) })
    }
}

fn read(release: &str, secret: DynamicObject) -> Result<Stored, StorageError> {
    let name = secret.metadata.name.clone().unwrap_or_default();
    let resource_version = secret.metadata.resource_version.clone().unwrap_or_default();
    let value = serde_json::to_value(secret).map_err(|_no_json| StorageError::NoSecret { secret: name })?;
    let release = record::from_secret(&value)
        .map_err(|source| StorageError::Read { release: release.to_owned(), source })?;
    Ok(Stored { release, resource_version })
}

/// The oldest records beyond the limit; what is deployed stays.
fn too_many(history: &[Stored], most: Option<usize>) -> Vec<&Stored> {
    let Some(most) = most else { return Vec::new() };
    let surplus = (history.len() + 1).saturating_sub(most);
    let deployed = deployed(history).map(|stored| stored.release.version);
    let old = history.iter().filter(|stored| Some(stored.release.version) != deployed);
    old.take(surplus).collect()
}

/// The newest record that is deployed.
pub(crate) fn deployed(history: &[Stored]) -> Option<&Stored> {
    history.iter().rev().find(|stored| stored.release.info.status == Status::Deployed)
}

fn now() -> i64 {
    belay_cluster::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_helm::record::Info;

    fn history(statuses: &[Status]) -> Vec<Stored> {
        let stored = |(position, status): (usize, &Status)| Stored {
            release: Release {
                version: i64::try_from(position).unwrap() + 1,
                info: Info { status: status.clone(), ..Info::default() },
                ..Release::default()
            },
            resource_version: String::new(),
        };
        statuses.iter().enumerate().map(stored).collect()
    }

    #[test]
    fn the_oldest_records_go_and_the_deployed_one_stays() {
        let versions = |statuses: &[Status], most| -> Vec<i64> {
            too_many(&history(statuses), most).iter().map(|stored| stored.release.version).collect()
        };
        let three = [Status::Deployed, Status::Failed, Status::Failed];
        assert_eq!(versions(&three, Some(2)), [2, 3]);
        assert_eq!(versions(&three, Some(3)), [2]);
        assert_eq!(versions(&three, Some(4)), [0; 0]);
        assert_eq!(versions(&three, None), [0; 0]);
    }
}
