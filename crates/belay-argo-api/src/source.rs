//! Where manifests come from, and how they are rendered.

use crate::operation::Info;
use belay_crd::{IntOrString, described};
use indexmap::IndexMap;
use serde_json::{Value, json};

described! {
    /// `operation.sync.source`.
    pub struct ApplicationSource {
        chart "chart": String;
        directory "directory": Option<ApplicationSourceDirectory>;
        helm "helm": Option<ApplicationSourceHelm>;
        kustomize "kustomize": Option<ApplicationSourceKustomize>;
        name "name": String;
        path "path": String;
        plugin "plugin": Option<ApplicationSourcePlugin>;
        reference "ref": String;
        repo_url "repoURL" (required): String;
        tag_prefix "tagPrefix": String;
        target_revision "targetRevision": String;
    }

    /// `operation.sync.source.directory`.
    pub struct ApplicationSourceDirectory {
        disable_extension_filter "disableExtensionFilter": bool;
        exclude "exclude": String;
        include "include": String;
        jsonnet "jsonnet": Option<ApplicationSourceJsonnet>;
        recurse "recurse": bool;
    }

    /// `operation.sync.source.directory.jsonnet`.
    pub struct ApplicationSourceJsonnet {
        ext_vars "extVars": Vec<JsonnetVariable>;
        libs "libs": Vec<String>;
        tlas "tlas": Vec<JsonnetVariable>;
    }

    /// `operation.sync.source.directory.jsonnet.extVars[]`.
    pub struct JsonnetVariable {
        code "code": bool;
        name "name" (required): String;
        value "value" (required): String;
    }

    /// `operation.sync.source.helm`.
    pub struct ApplicationSourceHelm {
        api_versions "apiVersions": Vec<String>;
        file_parameters "fileParameters": Vec<HelmFileParameter>;
        ignore_missing_value_files "ignoreMissingValueFiles": bool;
        kube_version "kubeVersion": String;
        namespace "namespace": String;
        parameters "parameters": Vec<HelmParameter>;
        pass_credentials "passCredentials": bool;
        release_name "releaseName": String;
        skip_crds "skipCrds": bool;
        skip_schema_validation "skipSchemaValidation": bool;
        skip_tests "skipTests": bool;
        value_files "valueFiles": Vec<String>;
        values "values": String;
        values_object "valuesObject": Value => { .set("type", json!("object")) };
        version "version": String;
    }

    /// `operation.sync.source.helm.fileParameters[]`.
    pub struct HelmFileParameter {
        name "name": String;
        path "path": String;
    }

    /// `operation.sync.source.helm.parameters[]`.
    pub struct HelmParameter {
        force_string "forceString": bool;
        name "name": String;
        value "value": String;
    }

    /// `operation.sync.source.kustomize`.
    pub struct ApplicationSourceKustomize {
        api_versions "apiVersions": Vec<String>;
        common_annotations "commonAnnotations": IndexMap<String, String>;
        common_annotations_envsubst "commonAnnotationsEnvsubst": bool;
        common_labels "commonLabels": IndexMap<String, String>;
        components "components": Vec<String>;
        force_common_annotations "forceCommonAnnotations": bool;
        force_common_labels "forceCommonLabels": bool;
        ignore_missing_components "ignoreMissingComponents": bool;
        images "images": Vec<String>;
        kube_version "kubeVersion": String;
        label_include_templates "labelIncludeTemplates": bool;
        label_without_selector "labelWithoutSelector": bool;
        name_prefix "namePrefix": String;
        name_suffix "nameSuffix": String;
        namespace "namespace": String;
        patches "patches": Vec<KustomizePatch>;
        replicas "replicas": Vec<KustomizeReplica>;
        version "version": String;
    }

    /// `operation.sync.source.kustomize.patches[]`.
    pub struct KustomizePatch {
        options "options": IndexMap<String, bool>;
        patch "patch": String;
        path "path": String;
        target "target": Option<KustomizeSelector>;
    }

    /// `operation.sync.source.kustomize.patches[].target`.
    pub struct KustomizeSelector {
        annotation_selector "annotationSelector": String;
        group "group": String;
        kind "kind": String;
        label_selector "labelSelector": String;
        name "name": String;
        namespace "namespace": String;
        version "version": String;
    }

    /// `operation.sync.source.kustomize.replicas[]`.
    pub struct KustomizeReplica {
        count "count" (required): IntOrString;
        name "name" (required): String;
    }

    /// `operation.sync.source.plugin`.
    pub struct ApplicationSourcePlugin {
        env "env": Vec<Info>;
        name "name": String;
        parameters "parameters": Vec<ApplicationSourcePluginParameter>;
    }

    /// `operation.sync.source.plugin.parameters[]`.
    pub struct ApplicationSourcePluginParameter {
        array "array": Vec<String>;
        map "map": IndexMap<String, String>;
        name "name": String;
        string "string": String;
    }
}
