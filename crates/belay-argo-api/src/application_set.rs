//! `ApplicationSet`: Applications made by generators.

use crate::application::ApplicationSpec;
use crate::status::{HealthStatus, ResourceStatus};
use belay_crd::{IntOrString, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::Value;

described! {
    /// Applications made from a template by generators.
    pub struct ApplicationSet {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        /// What is wanted.
        spec "spec" (required): ApplicationSetSpec;
        /// What was found.
        status "status": ApplicationSetStatus;
    }

    /// What is wanted of an ApplicationSet.
    pub struct ApplicationSetSpec {
        /// Also apply selectors of nested generators.
        apply_nested_selectors "applyNestedSelectors": bool;
        /// Where parameters come from.
        generators "generators" (required): Vec<ApplicationSetGenerator>;
        /// Use Go templates.
        go_template "goTemplate": bool;
        /// Options for Go templates.
        go_template_options "goTemplateOptions": Vec<String>;
        /// What is left alone in Applications.
        ignore_application_differences "ignoreApplicationDifferences": Vec<ApplicationSetIgnoreDifferences>;
        /// What is left alone.
        preserved_fields "preservedFields": Option<PreservedFields>;
        /// Order of updates.
        strategy "strategy": Option<ApplicationSetStrategy>;
        /// When and how to sync.
        sync_policy "syncPolicy": Option<ApplicationSetSyncPolicy>;
        /// The Application to make.
        template "template" (required): ApplicationSetTemplate;
        /// A patch for the made Application.
        template_patch "templatePatch": String;
    }

    /// One generator; exactly one of its fields is set.
    pub struct ApplicationSetGenerator {
        cluster_decision_resource "clusterDecisionResource": Option<ClusterDecisionResourceGenerator>;
        /// The known clusters.
        clusters "clusters": Option<ClusterGenerator>;
        git "git": Option<GitGenerator>;
        list "list": Option<ListGenerator>;
        matrix "matrix": Option<MatrixGenerator>;
        merge "merge": Option<MergeGenerator>;
        oci "oci": Option<GitGenerator>;
        /// For a config management plugin.
        plugin "plugin": Option<PluginGenerator>;
        pull_request "pullRequest": Option<PullRequestGenerator>;
        scm_provider "scmProvider": Option<ScmProviderGenerator>;
        /// Which results to take.
        selector "selector": Option<LabelSelector>;
    }

    /// Clusters chosen by another controller's resource.
    pub struct ClusterDecisionResourceGenerator {
        config_map_ref "configMapRef" (required): String;
        label_selector "labelSelector": Option<LabelSelector>;
        name "name": String;
        /// How often to look again.
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// A selector by labels.
    pub struct LabelSelector {
        match_expressions "matchExpressions": Vec<LabelSelectorRequirement> => { .atomic_list() };
        match_labels "matchLabels": IndexMap<String, String>;
    } with { .atomic_map() }

    /// One condition on a label.
    pub struct LabelSelectorRequirement {
        key "key" (required): String;
        operator "operator" (required): String;
        /// Values as YAML text.
        values "values": Vec<String> => { .atomic_list() };
    }

    /// The template of an Application.
    pub struct ApplicationSetTemplate {
        metadata "metadata" (required): ApplicationSetTemplateMetadata;
        /// What is wanted.
        spec "spec" (required): ApplicationSpec;
    }

    /// Metadata of the Applications.
    pub struct ApplicationSetTemplateMetadata {
        /// Annotations.
        annotations "annotations": IndexMap<String, String>;
        finalizers "finalizers": Vec<String>;
        /// Labels.
        labels "labels": IndexMap<String, String>;
        name "name": String;
        namespace "namespace": String;
    }

    /// The known clusters.
    pub struct ClusterGenerator {
        flat_list "flatList": bool;
        /// Which results to take.
        selector "selector": Option<LabelSelector>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// Folders or files of a repository.
    pub struct GitGenerator {
        directories "directories": Vec<GitPath>;
        files "files": Vec<GitPath>;
        path_param_prefix "pathParamPrefix": String;
        /// URL of the repository.
        repo_url "repoURL" (required): String;
        /// How often to look again.
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        /// The revision.
        revision "revision" (required): String;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// A folder to take or to leave out.
    pub struct GitPath {
        /// No files that match this pattern.
        exclude "exclude": bool;
        /// Folder inside the repository.
        path "path" (required): String;
    }

    /// A list written down.
    pub struct ListGenerator {
        /// The parameters.
        elements "elements": Vec<Value>;
        /// The parameters as YAML text.
        elements_yaml "elementsYaml": String;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
    }

    /// Every pair of two generators.
    pub struct MatrixGenerator {
        /// Where parameters come from.
        generators "generators" (required): Vec<NestedGenerator>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
    }

    /// A generator inside a matrix or merge.
    pub struct NestedGenerator {
        cluster_decision_resource "clusterDecisionResource": Option<ClusterDecisionResourceGenerator>;
        /// The known clusters.
        clusters "clusters": Option<ClusterGenerator>;
        git "git": Option<GitGenerator>;
        list "list": Option<ListGenerator>;
        matrix "matrix": Value;
        merge "merge": Value;
        oci "oci": Option<GitGenerator>;
        /// For a config management plugin.
        plugin "plugin": Option<PluginGenerator>;
        pull_request "pullRequest": Option<PullRequestGenerator>;
        scm_provider "scmProvider": Option<ScmProviderGenerator>;
        /// Which results to take.
        selector "selector": Option<LabelSelector>;
    }

    /// A service that answers with parameters.
    pub struct PluginGenerator {
        config_map_ref "configMapRef" (required): PluginConfigMapReference;
        input "input": Option<PluginInput>;
        /// How often to look again.
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// Where the service is described.
    pub struct PluginConfigMapReference {
        name "name" (required): String;
    }

    /// What the service is given.
    pub struct PluginInput {
        /// Single values; win over files.
        parameters "parameters": IndexMap<String, Value>;
    }

    /// Open pull requests.
    pub struct PullRequestGenerator {
        azure_devops "azuredevops": Option<PullRequestAzureDevOps>;
        bitbucket "bitbucket": Option<PullRequestBitbucket>;
        bitbucket_server "bitbucketServer": Option<PullRequestBitbucketServer>;
        continue_on_repo_not_found_error "continueOnRepoNotFoundError": bool;
        filters "filters": Vec<PullRequestFilter>;
        gitea "gitea": Option<PullRequestGitea>;
        github "github": Option<PullRequestGithub>;
        gitlab "gitlab": Option<PullRequestGitlab>;
        /// How often to look again.
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// Pull requests of Azure DevOps.
    pub struct PullRequestAzureDevOps {
        api "api": String;
        /// Labels.
        labels "labels": Vec<String>;
        organization "organization" (required): String;
        /// The project; `default` when empty.
        project "project" (required): String;
        repo "repo" (required): String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// A key of a Secret.
    pub struct SecretReference {
        key "key" (required): String;
        secret_name "secretName" (required): String;
    }

    /// Pull requests of Bitbucket Cloud.
    pub struct PullRequestBitbucket {
        api "api": String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        owner "owner" (required): String;
        repo "repo" (required): String;
    }

    /// A user name with a password from a Secret.
    pub struct BasicAuth {
        password_ref "passwordRef" (required): SecretReference;
        /// Name of the user.
        username "username" (required): String;
    }

    /// A token from a Secret.
    pub struct BearerToken {
        /// The token.
        token_ref "tokenRef" (required): SecretReference;
    }

    /// Pull requests of Bitbucket Server.
    pub struct PullRequestBitbucketServer {
        api "api" (required): String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        /// The certificate authority.
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        /// The project; `default` when empty.
        project "project" (required): String;
        repo "repo" (required): String;
    }

    /// A key of a ConfigMap.
    pub struct ConfigMapKeyReference {
        config_map_name "configMapName" (required): String;
        key "key" (required): String;
    }

    /// Which pull requests to take.
    pub struct PullRequestFilter {
        branch_match "branchMatch": String;
        target_branch_match "targetBranchMatch": String;
        title_match "titleMatch": String;
    }

    /// Pull requests of Gitea.
    pub struct PullRequestGitea {
        api "api" (required): String;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        /// Labels.
        labels "labels": Vec<String>;
        owner "owner" (required): String;
        repo "repo" (required): String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// Pull requests of GitHub.
    pub struct PullRequestGithub {
        api "api": String;
        app_secret_name "appSecretName": String;
        /// Labels.
        labels "labels": Vec<String>;
        owner "owner" (required): String;
        repo "repo" (required): String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// Merge requests of GitLab.
    pub struct PullRequestGitlab {
        api "api": String;
        /// The certificate authority.
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        /// Labels.
        labels "labels": Vec<String>;
        /// The project; `default` when empty.
        project "project" (required): String;
        pull_request_state "pullRequestState": String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// Repositories of an organisation.
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
        /// How often to look again.
        requeue_after_seconds "requeueAfterSeconds": Option<i64>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
        /// Values as YAML text.
        values "values": IndexMap<String, String>;
    }

    /// Repositories of AWS CodeCommit.
    pub struct ScmProviderAwsCodeCommit {
        all_branches "allBranches": bool;
        region "region": String;
        role "role": String;
        tag_filters "tagFilters": Vec<TagFilter>;
    }

    /// Repositories by tag.
    pub struct TagFilter {
        key "key" (required): String;
        value "value": String;
    }

    /// Repositories of Azure DevOps.
    pub struct ScmProviderAzureDevOps {
        access_token_ref "accessTokenRef" (required): SecretReference;
        all_branches "allBranches": bool;
        api "api": String;
        organization "organization" (required): String;
        team_project "teamProject" (required): String;
    }

    /// Repositories of Bitbucket Cloud.
    pub struct ScmProviderBitbucket {
        all_branches "allBranches": bool;
        app_password_ref "appPasswordRef" (required): SecretReference;
        owner "owner" (required): String;
        user "user" (required): String;
    }

    /// Repositories of Bitbucket Server.
    pub struct ScmProviderBitbucketServer {
        all_branches "allBranches": bool;
        api "api" (required): String;
        basic_auth "basicAuth": Option<BasicAuth>;
        bearer_token "bearerToken": Option<BearerToken>;
        /// The certificate authority.
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        /// The project; `default` when empty.
        project "project" (required): String;
    }

    /// Which repositories to take.
    pub struct ScmProviderFilter {
        branch_match "branchMatch": String;
        label_match "labelMatch": String;
        paths_do_not_exist "pathsDoNotExist": Vec<String>;
        paths_exist "pathsExist": Vec<String>;
        repository_match "repositoryMatch": String;
    }

    /// Repositories of Gitea.
    pub struct ScmProviderGitea {
        all_branches "allBranches": bool;
        api "api" (required): String;
        exclude_archived_repos "excludeArchivedRepos": bool;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        owner "owner" (required): String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// Repositories of GitHub.
    pub struct ScmProviderGithub {
        all_branches "allBranches": bool;
        api "api": String;
        app_secret_name "appSecretName": String;
        exclude_archived_repos "excludeArchivedRepos": bool;
        organization "organization" (required): String;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
    }

    /// Repositories of GitLab.
    pub struct ScmProviderGitlab {
        all_branches "allBranches": bool;
        api "api": String;
        /// The certificate authority.
        ca_ref "caRef": Option<ConfigMapKeyReference>;
        group "group" (required): String;
        include_archived_repos "includeArchivedRepos": bool;
        include_shared_projects "includeSharedProjects": bool;
        include_subgroups "includeSubgroups": bool;
        /// Do not verify the server's certificate.
        insecure "insecure": bool;
        /// The token.
        token_ref "tokenRef": Option<SecretReference>;
        topic "topic": String;
    }

    /// Generators merged by keys.
    pub struct MergeGenerator {
        /// Where parameters come from.
        generators "generators" (required): Vec<NestedGenerator>;
        merge_keys "mergeKeys" (required): Vec<String>;
        /// The Application to make.
        template "template": Option<ApplicationSetTemplate>;
    }

    /// Fields of made Applications that are left alone.
    pub struct ApplicationSetIgnoreDifferences {
        /// Fields by jq path.
        jq_path_expressions "jqPathExpressions": Vec<String>;
        /// Fields by JSON pointer.
        json_pointers "jsonPointers": Vec<String>;
        name "name": String;
    }

    /// Labels and annotations that are left alone.
    pub struct PreservedFields {
        /// Annotations.
        annotations "annotations": Vec<String>;
        /// Labels.
        labels "labels": Vec<String>;
    }

    /// The order in which Applications are updated or deleted.
    pub struct ApplicationSetStrategy {
        deletion_order "deletionOrder": String;
        rolling_sync "rollingSync": Option<RollingSync>;
        type_ "type": String;
    }

    /// Updates in steps.
    pub struct RollingSync {
        steps "steps": Vec<RollingSyncStep>;
    }

    /// One step of a rolling update.
    pub struct RollingSyncStep {
        match_expressions "matchExpressions": Vec<ApplicationMatchExpression>;
        max_update "maxUpdate": IntOrString;
    }

    /// Which Applications belong to a step.
    pub struct ApplicationMatchExpression {
        key "key": String;
        operator "operator": String;
        /// Values as YAML text.
        values "values": Vec<String>;
    }

    /// What may happen to the Applications.
    pub struct ApplicationSetSyncPolicy {
        applications_sync "applicationsSync": String => { .one_of(&["create-only", "create-update", "create-delete", "sync"]) };
        preserve_resources_on_deletion "preserveResourcesOnDeletion": bool;
    }

    /// What was last found and done.
    pub struct ApplicationSetStatus {
        application_status "applicationStatus": Vec<ApplicationSetApplicationStatus>;
        /// What a person should know.
        conditions "conditions": Vec<ApplicationSetCondition>;
        /// How well it is.
        health "health": Option<HealthStatus>;
        /// The objects.
        resources "resources": Vec<ResourceStatus>;
        resources_count "resourcesCount": Option<i64>;
    }

    /// How far one Application has come.
    pub struct ApplicationSetApplicationStatus {
        application "application" (required): String;
        /// When it last changed.
        last_transition_time "lastTransitionTime": Time;
        /// For people.
        message "message" (required): String;
        /// How far it has come.
        status "status" (required): String;
        step "step" (required): String;
        target_revisions "targetRevisions" (required): Vec<String>;
    }

    /// Something that a person should know.
    pub struct ApplicationSetCondition {
        /// When it last changed.
        last_transition_time "lastTransitionTime": Time;
        /// For people.
        message "message" (required): String;
        reason "reason" (required): String;
        /// True, False or Unknown.
        status "status" (required): String;
        type_ "type" (required): String;
    }
}
