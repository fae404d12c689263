//! Whom a sync acts as: `destinationServiceAccounts` of the project, where `argocd-cm` asks for it.

use belay_argo_api::Application;
use belay_cluster::service_account;
use belay_filetree::Glob;

use super::bounds::Bounds;
use crate::settings::Settings;

/// What no name of a service account may have in it.
const DISALLOWED: &str = "!*[]{}\\/";

/// The user name of the service account for the app's destination; nothing when the project names none, or when the
/// installation does not ask for it.
pub(crate) fn account(
    system: &Settings,
    bounds: &Bounds,
    app: &Application,
) -> Result<Option<String>, String> {
    if !system.impersonation_enabled {
        return Ok(None);
    }
    let destination = &app.spec.destination.namespace;
    for entry in &bounds.project.accounts {
        let server = matches("server", &entry.server, &bounds.cluster.server)?;
        if !(matches("namespace", &entry.namespace, destination)? && server) {
            continue;
        }
        let account = &entry.default_service_account;
        if account.trim_matches(' ').is_empty() || account.contains(|letter| DISALLOWED.contains(letter)) {
            return Err(format!("default service account contains invalid chars '{account}'"));
        }
        let default = if destination.is_empty() { &app.metadata.namespace } else { destination };
        let (namespace, name) = account.split_once(':').unwrap_or((default, account));
        return Ok(Some(service_account(namespace, name)));
    }
    Ok(None)
}

fn matches(what: &str, pattern: &str, text: &str) -> Result<bool, String> {
    let glob = Glob::compile(pattern).map_err(|_bad| {
        format!("invalid glob pattern for destination {what}: {pattern:?} is not a pattern")
    })?;
    Ok(glob.is_match(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::project::rules::{Cluster, Project};
    use serde_json::{Value, json};

    fn found(accounts: Value, namespace: &str) -> Result<Option<String>, String> {
        let spec = serde_json::from_value(json!({"destinationServiceAccounts": accounts})).unwrap();
        let cluster =
            Cluster { server: "https://a.example".into(), name: "a".into(), project: String::new() };
        let bounds = Bounds { project: Arc::new(Project::new("team", &spec)), cluster };
        let app = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"project": "team", "destination": {"namespace": namespace}}});
        let system = Settings { impersonation_enabled: true, ..Settings::default() };
        account(&system, &bounds, &serde_json::from_value(app).unwrap())
    }

    #[test]
    fn the_first_that_matches_is_taken() {
        let one = |server: &str, namespace: &str, account: &str| json!({"server": server, "namespace": namespace, "defaultServiceAccount": account});
        let user = |name: &str| Ok(Some(format!("system:serviceaccount:{name}")));
        assert_eq!(found(json!([]), "prod"), Ok(None));
        assert_eq!(
            found(json!([one("https://b.example", "*", "x"), one("*", "pr*", "deployer")]), "prod"),
            user("prod:deployer")
        );
        assert_eq!(
            found(json!([one("*", "prod", "ops:deployer"), one("*", "*", "x")]), "prod"),
            user("ops:deployer")
        );
        assert_eq!(found(json!([one("*", "", "deployer")]), ""), user("apps:deployer"));
        assert_eq!(
            found(json!([one("*", "*", "a*")]), "prod"),
            Err("default service account contains invalid chars 'a*'".into())
        );
        assert!(
            found(json!([one("[", "*", "a")]), "prod")
                .unwrap_err()
                .starts_with("invalid glob pattern for destination server")
        );
    }
}
