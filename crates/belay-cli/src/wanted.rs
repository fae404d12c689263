//! The app that a person means: `KIND/NAME`, or a NAME that is unique.

use anyhow::bail;
use belay_server::{AppKind, AppRef};

use crate::failure::Failure;

/// The app that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) kind: Option<AppKind>,
    name: String,
}

impl Wanted {
    /// Reads what was typed.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Wanted> {
        let Some((kind, name)) = text.split_once('/') else {
            return Ok(Wanted { kind: None, name: text.to_owned() });
        };
        let Ok(kind) = kind.parse() else {
            bail!(
                Failure::usage(format!("{kind:?} is no kind of app"))
                    .hint("app/NAME is an Application, ks/NAME a Kustomization, hr/NAME a HelmRelease")
            );
        };
        Ok(Wanted { kind: Some(kind), name: name.to_owned() })
    }

    /// The one that is meant; where several are, the error names them.
    pub(crate) fn only<T>(&self, all: Vec<T>, app: impl Fn(&T) -> &AppRef) -> anyhow::Result<T> {
        let mut found: Vec<T> = all.into_iter().filter(|one| self.is(app(one))).collect();
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => bail!(
                Failure::not_found(format!("no app is called {:?}", self.name))
                    .hint("`belay get` lists them all")
            ),
            _ => {
                let candidates: Vec<String> = found.iter().map(|one| typed(app(one))).collect();
                bail!(
                    Failure::new(format!("{:?} is not unique: {}", self.name, candidates.join(", ")))
                        .hint(format!("`belay get {}` shows the first of them", candidates[0]))
                )
            }
        }
    }

    fn is(&self, app: &AppRef) -> bool {
        self.name == app.name && self.kind.is_none_or(|kind| kind == app.kind)
    }
}

/// `app/web -n argocd`
fn typed(app: &AppRef) -> String {
    format!("{}/{} -n {}", app.kind.short(), app.name, app.namespace)
}
