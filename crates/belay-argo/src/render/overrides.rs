//! Files beside the manifests that change how they are rendered: `.argocd-source.yaml` and that of one app.

use belay_argo_api::ApplicationSource;
use belay_crd::Described;
use belay_filetree::{FileTree, TreePath};

use super::error::SourceError;

/// The source with what the files of its folder lay over it: how it is rendered, not where it comes from.
pub(super) fn merged(
    source: &ApplicationSource,
    tree: &dyn FileTree,
    folder: &TreePath,
    app: &str,
) -> Result<ApplicationSource, SourceError> {
    let mut merged = source.clone();
    let mut names = vec![".argocd-source.yaml".to_owned()];
    if !app.is_empty() {
        names.push(format!(".argocd-source-{app}.yaml"));
    }
    for file in names.iter().map(|name| folder.child(name)) {
        if !tree.kind(&file)?.is_some_and(belay_filetree::Kind::is_file) {
            continue;
        }
        let fault = |source: Box<dyn std::error::Error + Send + Sync>| SourceError::Overrides {
            file: file.clone(),
            source,
        };
        let text = tree.read(&file)?;
        let patch =
            belay_goyaml::to_json(&String::from_utf8_lossy(&text)).map_err(|error| fault(error.into()))?;
        let value = belay_schema::merge_patch(&merged.write(), &patch);
        merged = serde_json::from_value(value).map_err(|error| fault(error.into()))?;
    }
    merged.repo_url.clone_from(&source.repo_url);
    merged.path.clone_from(&source.path);
    merged.chart.clone_from(&source.chart);
    merged.target_revision.clone_from(&source.target_revision);
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;
    use serde_json::json;

    #[test]
    fn the_apps_own_file_comes_last_and_the_place_stays() {
        let source: ApplicationSource = serde_json::from_value(json!({"repoURL": "u", "path": "app",
            "helm": {"values": "a: b", "valueFiles": ["x"]}}))
        .unwrap();
        let tree = MemoryTree::of([
            ("app/.argocd-source.yaml", "repoURL: evil\nhelm: {values: null, releaseName: one}\n"),
            ("app/.argocd-source-web.yaml", "helm: {releaseName: two}\n"),
        ]);
        let folder = TreePath::parse("app").unwrap();
        let found = merged(&source, &tree, &folder, "web").unwrap();
        assert_eq!(
            found.write(),
            json!({"repoURL": "u", "path": "app", "helm": {"valueFiles": ["x"], "releaseName": "two"}})
        );
        let broken = MemoryTree::of([("app/.argocd-source.yaml", "helm: 1\n")]);
        let error = merged(&source, &broken, &folder, "web").unwrap_err();
        assert_eq!(
            error.to_string(),
            "error getting app source type: error while parsing source parameters: app/.argocd-source.yaml"
        );
    }
}
