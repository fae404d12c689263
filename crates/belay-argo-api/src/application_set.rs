//! `ApplicationSet`: Applications made by generators.

use crate::application::ApplicationSpec;
use crate::status::{HealthStatus, ResourceStatus};
use belay_crd::{IntOrString, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::Value;

described! {
    /// `ApplicationSet`.
    pub struct ApplicationSet {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        spec "spec" (required): ApplicationSetSpec;
        status "status": ApplicationSetStatus;
    }

    /// `spec`.
    pub struct ApplicationSetSpec {
        apply_nested_selectors "applyNestedSelectors": bool;
        generators "generators" (required): Vec<ApplicationSetGenerator>;
        go_template "goTemplate": bool;
        go_template_options "goTemplateOptions": Vec<String>;
        ignore_application_differences "ignoreApplicationDifferences": Vec<ApplicationSetIgnoreDifferences>;
        preserved_fields "preservedFields": Option<PreservedFields>;
        strategy "strategy": Option<ApplicationSetStrategy>;
        sync_policy "syncPolicy": Option<ApplicationSetSyncPolicy>;
        template "template" (required): ApplicationSetTemplate;
        template_patch "templatePatch": String;
    }

    /// `spec.generators[]`.
    pub struct ApplicationSetGenerator {
        cluster_decision_resource "clusterDecisionResource": Option<ClusterDecisionResourceGenerator>;
        clusters "clusters": Option<ClusterGenerator>;
        git "git": Option<GitGenerator>;
        list "list": Option<ListGenerator>;
        matrix "matrix": Option<MatrixGenerator>;
        merge "merge": Option<MergeGenerator>;
        oci "oci": Option<GitGenerator>;
        plugin "plugin": Option<PluginGenerator>;
        pull_request "pullRequest": Option<PullRequestGenerator>;
        scm_provider "scmProvider": Option<ScmProviderGenerator>;
        selector "selector": Option<LabelSelector>;
    }

    /// `spec.generators[].clusterDecisionResource`.
    pub struct ClusterDecisionResourceGenerator {
        config_map_ref "configMapRef" (required): String;
        label_selector "labelSelector": Option<LabelSelector>;
        name "name": String;
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].clusterDecisionResource.labelSelector`.
    pub struct LabelSelector {
        match_expressions "matchExpressions": Vec<LabelSelectorRequirement> => { .atomic_list() };
        match_labels "matchLabels": IndexMap<String, String>;
    } with { .atomic_map() }

    /// `spec.generators[].clusterDecisionResource.labelSelector.matchExpressions[]`.
    pub struct LabelSelectorRequirement {
        key "key" (required): String;
        operator "operator" (required): String;
        values "values": Vec<String> => { .atomic_list() };
    }

    /// `spec.generators[].clusterDecisionResource.template`.
    pub struct ApplicationSetTemplate {
        metadata "metadata" (required): ApplicationSetTemplateMetadata;
        spec "spec" (required): ApplicationSpec;
    }

    /// `spec.generators[].clusterDecisionResource.template.metadata`.
    pub struct ApplicationSetTemplateMetadata {
        annotations "annotations": IndexMap<String, String>;
        finalizers "finalizers": Vec<String>;
        labels "labels": IndexMap<String, String>;
        name "name": String;
        namespace "namespace": String;
    }

    /// `spec.generators[].clusters`.
    pub struct ClusterGenerator {
        flat_list "flatList": bool;
        selector "selector": Option<LabelSelector>;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].git`.
    pub struct GitGenerator {
        directories "directories": Vec<GitPath>;
        files "files": Vec<GitPath>;
        path_param_prefix "pathParamPrefix": String;
        repo_url "repoURL" (required): String;
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        revision "revision" (required): String;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].git.directories[]`.
    pub struct GitPath {
        exclude "exclude": bool;
        path "path" (required): String;
    }

    /// `spec.generators[].list`.
    pub struct ListGenerator {
        elements "elements": Vec<Value>;
        elements_yaml "elementsYaml": String;
        template "template": Option<ApplicationSetTemplate>;
    }

    /// `spec.generators[].matrix`.
    pub struct MatrixGenerator {
        generators "generators" (required): Vec<NestedGenerator>;
        template "template": Option<ApplicationSetTemplate>;
    }

    /// `spec.generators[].matrix.generators[]`.
    pub struct NestedGenerator {
        cluster_decision_resource "clusterDecisionResource": Option<ClusterDecisionResourceGenerator>;
        clusters "clusters": Option<ClusterGenerator>;
        git "git": Option<GitGenerator>;
        list "list": Option<ListGenerator>;
        matrix "matrix": Value;
        merge "merge": Value;
        oci "oci": Option<GitGenerator>;
        plugin "plugin": Option<PluginGenerator>;
        pull_request "pullRequest": Option<PullRequestGenerator>;
        scm_provider "scmProvider": Option<ScmProviderGenerator>;
        selector "selector": Option<LabelSelector>;
    }

    /// `spec.generators[].matrix.generators[].plugin`.
    pub struct PluginGenerator {
        config_map_ref "configMapRef" (required): PluginConfigMapReference;
        input "input": Option<PluginInput>;
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].matrix.generators[].plugin.configMapRef`.
    pub struct PluginConfigMapReference {
        name "name" (required): String;
    }

    /// `spec.generators[].matrix.generators[].plugin.input`.
    pub struct PluginInput {
        parameters "parameters": IndexMap<String, Value>;
    }

    /// `spec.generators[].matrix.generators[].pullRequest`.
    pub struct PullRequestGenerator {
        azure_devops "azuredevops": Option<PullRequestAzureDevOps>;
        bitbucket "bitbucket": Option<PullRequestBitbucket>;
        bitbucket_server "bitbucketServer": Option<PullRequestBitbucketServer>;
        continue_on_repo_not_found_error "continueOnRepoNotFoundError": bool;
        filters "filters": Vec<PullRequestFilter>;
        gitea "gitea": Option<PullRequestGitea>;
        github "github": Option<PullRequestGithub>;
        gitlab "gitlab": Option<PullRequestGitlab>;
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.azuredevops`.
    pub struct PullRequestAzureDevOps {
        api "api": String;
        labels "labels": Vec<String>;
        organization "organization" (required): String;
        project "project" (required): String;
        repo "repo" (required): String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.azuredevops.tokenRef`.
    pub struct SecretReference {
        key "key" (required): String;
        secret_name "secretName" (required): String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.bitbucket`.
    pub struct PullRequestBitbucket {
        api "api": String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        owner "owner" (required): String;
        repo "repo" (required): String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.bitbucket.basicAuth`.
    pub struct BasicAuth {
        password_ref "passwordRef" (required): SecretReference;
        username "username" (required): String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.bitbucket.bearerToken`.
    pub struct BearerToken {
        token_ref "tokenRef" (required): SecretReference;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.bitbucketServer`.
    pub struct PullRequestBitbucketServer {
        api "api" (required): String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        insecure "insecure": bool;
        project "project" (required): String;
        repo "repo" (required): String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.bitbucketServer.caRef`.
    pub struct ConfigMapKeyReference {
        config_map_name "configMapName" (required): String;
        key "key" (required): String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.filters[]`.
    pub struct PullRequestFilter {
        branch_match "branchMatch": String;
        target_branch_match "targetBranchMatch": String;
        title_match "titleMatch": String;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.gitea`.
    pub struct PullRequestGitea {
        api "api" (required): String;
        insecure "insecure": bool;
        labels "labels": Vec<String>;
        owner "owner" (required): String;
        repo "repo" (required): String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.github`.
    pub struct PullRequestGithub {
        api "api": String;
        app_secret_name "appSecretName": String;
        labels "labels": Vec<String>;
        owner "owner" (required): String;
        repo "repo" (required): String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].pullRequest.gitlab`.
    pub struct PullRequestGitlab {
        api "api": String;
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        insecure "insecure": bool;
        labels "labels": Vec<String>;
        project "project" (required): String;
        pull_request_state "pullRequestState": String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].scmProvider`.
    pub struct ScmProviderGenerator {
        aws_code_commit "awsCodeCommit": Option<ScmProviderAwsCodeCommit>;
        azure_dev_ops "azureDevOps": Option<ScmProviderAzureDevOps>;
        bitbucket "bitbucket": Option<ScmProviderBitbucket>;
        bitbucket_server "bitbucketServer": Option<ScmProviderBitbucketServer>;
        clone_protocol "cloneProtocol": String;
        filters "filters": Vec<ScmProviderFilter>;
        gitea "gitea": Option<ScmProviderGitea>;
        github "github": Option<ScmProviderGithub>;
        gitlab "gitlab": Option<ScmProviderGitlab>;
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        template "template": Option<ApplicationSetTemplate>;
        values "values": IndexMap<String, String>;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.awsCodeCommit`.
    pub struct ScmProviderAwsCodeCommit {
        all_branches "allBranches": bool;
        region "region": String;
        role "role": String;
        tag_filters "tagFilters": Vec<TagFilter>;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.awsCodeCommit.tagFilters[]`.
    pub struct TagFilter {
        key "key" (required): String;
        value "value": String;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.azureDevOps`.
    pub struct ScmProviderAzureDevOps {
        access_token_ref "accessTokenRef" (required): SecretReference;
        all_branches "allBranches": bool;
        api "api": String;
        organization "organization" (required): String;
        team_project "teamProject" (required): String;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.bitbucket`.
    pub struct ScmProviderBitbucket {
        all_branches "allBranches": bool;
        app_password_ref "appPasswordRef" (required): SecretReference;
        owner "owner" (required): String;
        user "user" (required): String;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.bitbucketServer`.
    pub struct ScmProviderBitbucketServer {
        all_branches "allBranches": bool;
        api "api" (required): String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        insecure "insecure": bool;
        project "project" (required): String;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.filters[]`.
    pub struct ScmProviderFilter {
        branch_match "branchMatch": String;
        label_match "labelMatch": String;
        paths_do_not_exist "pathsDoNotExist": Vec<String>;
        paths_exist "pathsExist": Vec<String>;
        repository_match "repositoryMatch": String;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.gitea`.
    pub struct ScmProviderGitea {
        all_branches "allBranches": bool;
        api "api" (required): String;
        exclude_archived_repos "excludeArchivedRepos": bool;
        insecure "insecure": bool;
        owner "owner" (required): String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.github`.
    pub struct ScmProviderGithub {
        all_branches "allBranches": bool;
        api "api": String;
        app_secret_name "appSecretName": String;
        exclude_archived_repos "excludeArchivedRepos": bool;
        organization "organization" (required): String;
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// `spec.generators[].matrix.generators[].scmProvider.gitlab`.
    pub struct ScmProviderGitlab {
        all_branches "allBranches": bool;
        api "api": String;
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        group "group" (required): String;
        include_archived_repos "includeArchivedRepos": bool;
        include_shared_projects "includeSharedProjects": bool;
        include_subgroups "includeSubgroups": bool;
        insecure "insecure": bool;
        token_ref "tokenRef": Option<SecretReference>;
        topic "topic": String;
    }

    /// `spec.generators[].merge`.
    pub struct MergeGenerator {
        generators "generators" (required): Vec<NestedGenerator>;
        merge_keys "mergeKeys" (required): Vec<String>;
        template "template": Option<ApplicationSetTemplate>;
    }

    /// `spec.ignoreApplicationDifferences[]`.
    pub struct ApplicationSetIgnoreDifferences {
        jq_path_expressions "jqPathExpressions": Vec<String>;
        json_pointers "jsonPointers": Vec<String>;
        name "name": String;
    }

    /// `spec.preservedFields`.
    pub struct PreservedFields {
        annotations "annotations": Vec<String>;
        labels "labels": Vec<String>;
    }

    /// `spec.strategy`.
    pub struct ApplicationSetStrategy {
        deletion_order "deletionOrder": String;
        rolling_sync "rollingSync": Option<RollingSync>;
        type_ "type": String;
    }

    /// `spec.strategy.rollingSync`.
    pub struct RollingSync {
        steps "steps": Vec<RollingSyncStep>;
    }

    /// `spec.strategy.rollingSync.steps[]`.
    pub struct RollingSyncStep {
        match_expressions "matchExpressions": Vec<ApplicationMatchExpression>;
        max_update "maxUpdate": IntOrString;
    }

    /// `spec.strategy.rollingSync.steps[].matchExpressions[]`.
    pub struct ApplicationMatchExpression {
        key "key": String;
        operator "operator": String;
        values "values": Vec<String>;
    }

    /// `spec.syncPolicy`.
    pub struct ApplicationSetSyncPolicy {
        applications_sync "applicationsSync": String => { .one_of(&["create-only", "create-update", "create-delete", "sync"]) };
        preserve_resources_on_deletion "preserveResourcesOnDeletion": bool;
    }

    /// `status`.
    pub struct ApplicationSetStatus {
        application_status "applicationStatus": Vec<ApplicationSetApplicationStatus>;
        conditions "conditions": Vec<ApplicationSetCondition>;
        health "health": Option<HealthStatus>;
        resources "resources": Vec<ResourceStatus>;
        resources_count "resourcesCount": Option<i64>;
    }

    /// `status.applicationStatus[]`.
    pub struct ApplicationSetApplicationStatus {
        application "application" (required): String;
        last_transition_time "lastTransitionTime": Time;
        message "message" (required): String;
        status "status" (required): String;
        step "step" (required): String;
        target_revisions "targetRevisions" (required): Vec<String>;
    }

    /// `status.conditions[]`.
    pub struct ApplicationSetCondition {
        last_transition_time "lastTransitionTime": Time;
        message "message" (required): String;
        reason "reason" (required): String;
        status "status" (required): String;
        type_ "type" (required): String;
    }
}
