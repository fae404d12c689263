//! Where manifests come from, and how they are rendered.

use crate::operation::Info;
use belay_crd::{IntOrString, described};
use indexmap::IndexMap;
use serde_json::{Value, json};

described! {
    /// A place that manifests come from, and how they are rendered.
    pub struct ApplicationSource {
        /// Name of the chart, for Helm repositories.
        chart "chart": String;
        /// For a folder of plain manifests.
        directory "directory": Option<ApplicationSourceDirectory>;
        /// For a Helm chart.
        helm "helm": Option<ApplicationSourceHelm>;
        /// For a kustomization.
        kustomize "kustomize": Option<ApplicationSourceKustomize>;
        name "name": String;
        /// Folder inside the repository.
        path "path": String;
        /// For a config management plugin.
        plugin "plugin": Option<ApplicationSourcePlugin>;
        /// Name by which other sources of this Application reach its files.
        reference "ref": String;
        /// URL of the repository.
        repo_url "repoURL" (required): String;
        /// Only tags with this prefix count for a version range.
        tag_prefix "tagPrefix": String;
        /// Branch, tag, commit or version range; empty means the default branch.
        target_revision "targetRevision": String;
    }

    /// Settings for a folder of plain manifests.
    pub struct ApplicationSourceDirectory {
        /// Take files whatever their extension is.
        disable_extension_filter "disableExtensionFilter": bool;
        /// No files that match this pattern.
        exclude "exclude": String;
        /// Only files that match this pattern.
        include "include": String;
        /// For Jsonnet files.
        jsonnet "jsonnet": Option<ApplicationSourceJsonnet>;
        /// Also look into folders below.
        recurse "recurse": bool;
    }

    /// Settings for Jsonnet files.
    pub struct ApplicationSourceJsonnet {
        ext_vars "extVars": Vec<JsonnetVariable>;
        libs "libs": Vec<String>;
        tlas "tlas": Vec<JsonnetVariable>;
    }

    /// A variable for Jsonnet, or a value with a name.
    pub struct JsonnetVariable {
        code "code": bool;
        name "name" (required): String;
        value "value" (required): String;
    }

    /// Settings for a Helm chart.
    pub struct ApplicationSourceHelm {
        /// APIs to render for; the cluster's when empty.
        api_versions "apiVersions": Vec<String>;
        /// Single values from files.
        file_parameters "fileParameters": Vec<HelmFileParameter>;
        /// Values files that do not exist are no error.
        ignore_missing_value_files "ignoreMissingValueFiles": bool;
        /// Kubernetes version to render for; the cluster's when empty.
        kube_version "kubeVersion": String;
        namespace "namespace": String;
        /// Single values; win over files.
        parameters "parameters": Vec<HelmParameter>;
        /// Send credentials to all domains.
        pass_credentials "passCredentials": bool;
        /// Name of the release; the Application's when empty.
        release_name "releaseName": String;
        /// Leave out the chart's CRDs.
        skip_crds "skipCrds": bool;
        /// Do not check values against the chart's schema.
        skip_schema_validation "skipSchemaValidation": bool;
        /// Leave out the chart's tests.
        skip_tests "skipTests": bool;
        /// Values files, later ones win.
        value_files "valueFiles": Vec<String>;
        /// Values as YAML text.
        values "values": String;
        /// Values; wins over `values`.
        values_object "valuesObject": Value => { .set("type", json!("object")) };
        version "version": String;
    }

    /// A value that is read from a file.
    pub struct HelmFileParameter {
        name "name": String;
        /// Folder inside the repository.
        path "path": String;
    }

    /// A value set by name, as `--set` does.
    pub struct HelmParameter {
        /// Keep the value a string.
        force_string "forceString": bool;
        name "name": String;
        value "value": String;
    }

    /// Settings for a kustomization.
    pub struct ApplicationSourceKustomize {
        /// APIs to render for; the cluster's when empty.
        api_versions "apiVersions": Vec<String>;
        /// Annotations for every object.
        common_annotations "commonAnnotations": IndexMap<String, String>;
        /// Substitute build variables in annotations.
        common_annotations_envsubst "commonAnnotationsEnvsubst": bool;
        /// Labels for every object.
        common_labels "commonLabels": IndexMap<String, String>;
        /// Kustomize components.
        components "components": Vec<String>;
        /// Replace annotations that are already there.
        force_common_annotations "forceCommonAnnotations": bool;
        /// Replace labels that are already there.
        force_common_labels "forceCommonLabels": bool;
        /// Components that do not exist are no error.
        ignore_missing_components "ignoreMissingComponents": bool;
        /// Images to replace.
        images "images": Vec<String>;
        /// Kubernetes version to render for; the cluster's when empty.
        kube_version "kubeVersion": String;
        /// Put labels into templates also when not into selectors.
        label_include_templates "labelIncludeTemplates": bool;
        /// Do not put labels into selectors.
        label_without_selector "labelWithoutSelector": bool;
        /// Put before names.
        name_prefix "namePrefix": String;
        /// Put after names.
        name_suffix "nameSuffix": String;
        namespace "namespace": String;
        /// Patches for the objects.
        patches "patches": Vec<KustomizePatch>;
        /// Replica counts.
        replicas "replicas": Vec<KustomizeReplica>;
        version "version": String;
    }

    /// A patch added to the kustomization.
    pub struct KustomizePatch {
        options "options": IndexMap<String, bool>;
        patch "patch": String;
        /// Folder inside the repository.
        path "path": String;
        target "target": Option<KustomizeSelector>;
    }

    /// Which objects a patch is for.
    pub struct KustomizeSelector {
        annotation_selector "annotationSelector": String;
        group "group": String;
        kind "kind": String;
        label_selector "labelSelector": String;
        name "name": String;
        namespace "namespace": String;
        version "version": String;
    }

    /// A replica count for a named object.
    pub struct KustomizeReplica {
        count "count" (required): IntOrString;
        name "name" (required): String;
    }

    /// Settings for a config management plugin.
    pub struct ApplicationSourcePlugin {
        /// Environment of the plugin.
        env "env": Vec<Info>;
        name "name": String;
        /// Single values; win over files.
        parameters "parameters": Vec<ApplicationSourcePluginParameter>;
    }

    /// A parameter for a plugin: text, list or map.
    pub struct ApplicationSourcePluginParameter {
        array "array": Vec<String>;
        map "map": IndexMap<String, String>;
        name "name": String;
        string "string": String;
    }
}
