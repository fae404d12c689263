//! `AppProject`: what the Applications of a project may do.

use crate::application::ApplicationDestination;
use crate::values::SyncWindowKind;
use belay_crd::{ObjectMeta, described};
use indexmap::IndexMap;

described! {
    /// A group of Applications and what they may do.
    pub struct AppProject {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata" (required): ObjectMeta;
        /// What is wanted.
        spec "spec" (required): AppProjectSpec;
        /// What was found.
        status "status": AppProjectStatus;
    }

    /// What is allowed in a project.
    pub struct AppProjectSpec {
        /// Cluster-scoped kinds that are denied.
        cluster_resource_blacklist "clusterResourceBlacklist": Vec<ClusterResourceRestriction>;
        /// Cluster-scoped kinds that are allowed; none when empty.
        cluster_resource_whitelist "clusterResourceWhitelist": Vec<ClusterResourceRestriction>;
        /// For people.
        description "description": String => { .max_length(255) };
        /// Accounts for destinations.
        destination_service_accounts "destinationServiceAccounts": Vec<DestinationServiceAccount>;
        /// Where may be deployed to.
        destinations "destinations": Vec<ApplicationDestination>;
        /// Namespaced kinds that are denied.
        namespace_resource_blacklist "namespaceResourceBlacklist": Vec<GroupKind>;
        /// Namespaced kinds that are allowed; all when unset.
        namespace_resource_whitelist "namespaceResourceWhitelist": Option<Vec<GroupKind>>;
        /// Watch for orphaned objects.
        orphaned_resources "orphanedResources": Option<OrphanedResources>;
        /// Only clusters of this project.
        permit_only_project_scoped_clusters "permitOnlyProjectScopedClusters": bool;
        /// Roles of the project.
        roles "roles": Vec<ProjectRole>;
        /// Keys whose signatures are accepted.
        signature_keys "signatureKeys": Vec<SignatureKey>;
        /// Which sources are trusted.
        source_integrity "sourceIntegrity": Option<SourceIntegrity>;
        /// Namespaces in which Applications may be.
        source_namespaces "sourceNamespaces": Vec<String>;
        /// Repositories that may be used.
        source_repos "sourceRepos": Vec<String>;
        /// When syncs are allowed.
        sync_windows "syncWindows": Vec<SyncWindow>;
    }

    /// A cluster-scoped kind, perhaps with a name.
    pub struct ClusterResourceRestriction {
        group "group" (required): String;
        kind "kind" (required): String;
        name "name": String;
    }

    /// The account that syncs to a destination use.
    pub struct DestinationServiceAccount {
        default_service_account "defaultServiceAccount" (required): String;
        namespace "namespace": String;
        /// URL of the cluster.
        server "server" (required): String;
    }

    /// A kind.
    pub struct GroupKind {
        group "group" (required): String;
        kind "kind" (required): String;
    }

    /// Watches for objects that belong to no Application.
    pub struct OrphanedResources {
        ignore "ignore": Vec<OrphanedResourceKey>;
        warn "warn": Option<bool>;
    }

    /// Objects that are not reported as orphaned.
    pub struct OrphanedResourceKey {
        group "group": String;
        kind "kind": String;
        name "name": String;
    }

    /// A role with its policies, groups and tokens.
    pub struct ProjectRole {
        /// For people.
        description "description": String;
        /// Groups that have the role.
        groups "groups": Vec<String>;
        /// Tokens that were issued.
        jwt_tokens "jwtTokens": Vec<JwtToken>;
        name "name" (required): String;
        /// Policy lines.
        policies "policies": Vec<String>;
    }

    /// A token that was issued for a role.
    pub struct JwtToken {
        /// When it ends.
        exp "exp": Option<i64>;
        /// When it was issued.
        iat "iat" (required): i64;
        id "id": String;
    }

    /// A key whose signatures are accepted.
    pub struct SignatureKey {
        key_id "keyID" (required): String;
    }

    /// Which sources are trusted.
    pub struct SourceIntegrity {
        git "git" (required): SourceIntegrityGit;
    }

    /// Which Git sources are trusted.
    pub struct SourceIntegrityGit {
        /// Policy lines.
        policies "policies" (required): Vec<SourceIntegrityGitPolicy>;
    }

    /// How commits of some repositories are verified.
    pub struct SourceIntegrityGitPolicy {
        gpg "gpg" (required): SourceIntegrityGpg;
        repos "repos" (required): Vec<SourceIntegrityRepository>;
    }

    /// How GPG signatures are verified.
    pub struct SourceIntegrityGpg {
        keys "keys" (required): Vec<String>;
        mode "mode" (required): String;
    }

    /// A repository that a policy is for.
    pub struct SourceIntegrityRepository {
        url "url" (required): String;
    }

    /// A time in which syncs are allowed or denied.
    pub struct SyncWindow {
        /// All of the patterns must match.
        and_operator "andOperator": bool;
        /// Applications, as patterns.
        applications "applications": Vec<String>;
        /// Clusters, as patterns.
        clusters "clusters": Vec<String>;
        /// For people.
        description "description": String;
        /// How long the window is open.
        duration "duration": String;
        kind "kind": SyncWindowKind;
        /// Whether a person may sync nevertheless.
        manual_sync "manualSync": bool;
        /// Namespaces, as patterns.
        namespaces "namespaces": Vec<String>;
        /// Cron expression of the start.
        schedule "schedule": String;
        /// A running sync may go on when the window ends.
        sync_overrun "syncOverrun": bool;
        /// Time zone of the schedule.
        time_zone "timeZone": String;
    }

    /// What the project keeps.
    pub struct AppProjectStatus {
        jwt_tokens_by_role "jwtTokensByRole": IndexMap<String, JwtTokens>;
    }

    /// The tokens of a role.
    pub struct JwtTokens {
        items "items": Vec<JwtToken>;
    }
}
