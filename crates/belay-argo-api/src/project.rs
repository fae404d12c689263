//! `AppProject`: what the Applications of a project may do.

use crate::application::ApplicationDestination;
use crate::values::SyncWindowKind;
use belay_crd::{ObjectMeta, described};
use indexmap::IndexMap;

described! {
    /// `AppProject`.
    pub struct AppProject {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        spec "spec" (required): AppProjectSpec;
        status "status": AppProjectStatus;
    }

    /// `spec`.
    pub struct AppProjectSpec {
        cluster_resource_blacklist "clusterResourceBlacklist": Vec<ClusterResourceRestriction>;
        cluster_resource_whitelist "clusterResourceWhitelist": Vec<ClusterResourceRestriction>;
        description "description": String => { .max_length(255) };
        destination_service_accounts "destinationServiceAccounts": Vec<DestinationServiceAccount>;
        destinations "destinations": Vec<ApplicationDestination>;
        namespace_resource_blacklist "namespaceResourceBlacklist": Vec<GroupKind>;
        namespace_resource_whitelist "namespaceResourceWhitelist": Option<Vec<GroupKind>>;
        orphaned_resources "orphanedResources": Option<OrphanedResources>;
        permit_only_project_scoped_clusters "permitOnlyProjectScopedClusters": bool;
        roles "roles": Vec<ProjectRole>;
        signature_keys "signatureKeys": Vec<SignatureKey>;
        source_integrity "sourceIntegrity": Option<SourceIntegrity>;
        source_namespaces "sourceNamespaces": Vec<String>;
        source_repos "sourceRepos": Vec<String>;
        sync_windows "syncWindows": Vec<SyncWindow>;
    }

    /// `spec.clusterResourceBlacklist[]`.
    pub struct ClusterResourceRestriction {
        group "group" (required): String;
        kind "kind" (required): String;
        name "name": String;
    }

    /// `spec.destinationServiceAccounts[]`.
    pub struct DestinationServiceAccount {
        default_service_account "defaultServiceAccount" (required): String;
        namespace "namespace": String;
        server "server" (required): String;
    }

    /// `spec.namespaceResourceBlacklist[]`.
    pub struct GroupKind {
        group "group" (required): String;
        kind "kind" (required): String;
    }

    /// `spec.orphanedResources`.
    pub struct OrphanedResources {
        ignore "ignore": Vec<OrphanedResourceKey>;
        warn "warn": Option<bool>;
    }

    /// `spec.orphanedResources.ignore[]`.
    pub struct OrphanedResourceKey {
        group "group": String;
        kind "kind": String;
        name "name": String;
    }

    /// `spec.roles[]`.
    pub struct ProjectRole {
        description "description": String;
        groups "groups": Vec<String>;
        jwt_tokens "jwtTokens": Vec<JwtToken>;
        name "name" (required): String;
        policies "policies": Vec<String>;
    }

    /// `spec.roles[].jwtTokens[]`.
    pub struct JwtToken {
        exp "exp": Option<i64>;
        iat "iat" (required): i64;
        id "id": String;
    }

    /// `spec.signatureKeys[]`.
    pub struct SignatureKey {
        key_id "keyID" (required): String;
    }

    /// `spec.sourceIntegrity`.
    pub struct SourceIntegrity {
        git "git" (required): SourceIntegrityGit;
    }

    /// `spec.sourceIntegrity.git`.
    pub struct SourceIntegrityGit {
        policies "policies" (required): Vec<SourceIntegrityGitPolicy>;
    }

    /// `spec.sourceIntegrity.git.policies[]`.
    pub struct SourceIntegrityGitPolicy {
        gpg "gpg" (required): SourceIntegrityGpg;
        repos "repos" (required): Vec<SourceIntegrityRepository>;
    }

    /// `spec.sourceIntegrity.git.policies[].gpg`.
    pub struct SourceIntegrityGpg {
        keys "keys" (required): Vec<String>;
        mode "mode" (required): String;
    }

    /// `spec.sourceIntegrity.git.policies[].repos[]`.
    pub struct SourceIntegrityRepository {
        url "url" (required): String;
    }

    /// `spec.syncWindows[]`.
    pub struct SyncWindow {
        and_operator "andOperator": bool;
        applications "applications": Vec<String>;
        clusters "clusters": Vec<String>;
        description "description": String;
        duration "duration": String;
        kind "kind": SyncWindowKind;
        manual_sync "manualSync": bool;
        namespaces "namespaces": Vec<String>;
        schedule "schedule": String;
        sync_overrun "syncOverrun": bool;
        time_zone "timeZone": String;
    }

    /// `status`.
    pub struct AppProjectStatus {
        jwt_tokens_by_role "jwtTokensByRole": IndexMap<String, JwtTokens>;
    }

    /// `status.jwtTokensByRole{}`.
    pub struct JwtTokens {
        items "items": Vec<JwtToken>;
    }
}
