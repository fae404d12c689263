//! All rules, read once.

use std::sync::LazyLock;

use super::parse::{KindRules, parse};

/// A group and its file; `_` at the front is any text.
type File = (&'static str, &'static str);

/// A list of the files of `rules/`.
macro_rules! files {
    ($ending:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../rules/", $name, $ending)))),*]
    };
}

const GROUPS: &[File] = files!(".rules":
    "_.crossplane.io"
    "_.upbound.io"
    "acid.zalan.do"
    "addons.cluster.x-k8s.io"
    "apiextensions.k8s.io"
    "apps.openshift.io"
    "argoproj.io"
    "batch"
    "beat.k8s.elastic.co"
    "bitnami.com"
    "camel.apache.org"
    "cassandra.rook.io"
    "cdi.kubevirt.io"
    "ceph.rook.io"
    "cert-manager.io"
    "certmanager.k8s.io"
    "clickhouse.altinity.com"
    "cloudfront.aws.crossplane.io"
    "cluster.x-k8s.io"
    "controlplane.cluster.x-k8s.io"
    "coralogix.com"
    "core.gardener.cloud"
    "datadoghq.com"
    "db.atlasgo.io"
    "elasticsearch.k8s.elastic.co"
    "external-secrets.io"
    "flagger.app"
    "flink.apache.org"
    "gateway.networking.k8s.io"
    "grafana.integreatly.org"
    "helm.toolkit.fluxcd.io"
    "iam.aws.crossplane.io"
    "image.toolkit.fluxcd.io"
    "install.istio.io"
    "jaegertracing.io"
    "k8s.mariadb.com"
    "kafka.strimzi.io"
    "karpenter.k8s.aws"
    "karpenter.sh"
    "keda.sh"
    "kiali.io"
    "kubevirt.io"
    "kustomize.toolkit.fluxcd.io"
    "kyverno.io"
    "lifecycle.keptn.sh"
    "logstash.k8s.elastic.co"
    "mariadb.mmontes.io"
    "minio.min.io"
    "monitoring.coreos.com"
    "networking.gke.io"
    "nmstate.io"
    "notification.toolkit.fluxcd.io"
    "objectbucket.io"
    "ocs.openshift.io"
    "onepassword.com"
    "openfaas.com"
    "opentelemetry.io"
    "operator.knative.dev"
    "operator.openshift.io"
    "operator.victoriametrics.com"
    "operators.coreos.com"
    "pkg.crossplane.io"
    "platform.confluent.io"
    "policy.open-cluster-management.io"
    "policy"
    "postgresql.cnpg.io"
    "projectcontour.io"
    "psmdb.percona.com"
    "pulumi.com"
    "rabbitmq.com"
    "rds.aws.crossplane.io"
    "route.openshift.io"
    "route53.aws.crossplane.io"
    "s3.aws.crossplane.io"
    "services.cloud.sap.com"
    "serving.knative.dev"
    "serving.kserve.io"
    "snapshot.storage.k8s.io"
    "solr.apache.org"
    "source.toolkit.fluxcd.io"
    "spot.io"
    "stacks.crossplane.io"
    "tekton.dev"
    "trident.netapp.io"
    "zookeeper.pravega.io"
);

const SCRIPTS: &[File] = files!("":
    "aws-managed-control-plane.lua"
    "canary.lua"
    "ceph-cluster.lua"
    "elasticsearch.lua"
    "http-route.lua"
    "inference-service.lua"
    "knative-operator.lua"
    "knative-service.lua"
    "machine-pool.lua"
    "opentelemetry-collector.lua"
    "rollout.lua"
    "subscription.lua"
);

static RULES: LazyLock<Vec<(&str, Vec<KindRules>)>> = LazyLock::new(|| {
    let read = |(group, text): &File| {
        (*group, parse(text).unwrap_or_else(|error| unreachable!("a test reads {group}: {error}")))
    };
    GROUPS.iter().map(read).collect()
});

/// The rules of a kind: those of its group first, then those of all groups that end alike.
pub(super) fn find(group: &str, kind: &str) -> Option<&'static KindRules> {
    let of_kind = |rules: &'static [KindRules]| {
        rules.iter().find(|rules| rules.kinds.iter().any(|known| known == kind || known == "*"))
    };
    let own = RULES.iter().filter(|(name, _)| *name == group);
    let wild =
        RULES.iter().filter(|(name, _)| name.strip_prefix('_').is_some_and(|end| group.ends_with(end)));
    own.chain(wild).find_map(|(_, rules)| of_kind(rules))
}

/// The text of a script of ours.
pub(super) fn script(name: &str) -> &'static str {
    SCRIPTS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
}

/// The groups that have rules.
#[cfg(test)]
pub(super) fn groups() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|(group, _)| *group)
}

#[cfg(test)]
mod tests {
    use super::super::parse::Step;
    use super::*;

    #[test]
    fn every_file_is_listed_and_reads() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut listed: Vec<String> = GROUPS.iter().map(|(name, _)| format!("{name}.rules")).collect();
        listed.extend(SCRIPTS.iter().map(|(name, _)| (*name).to_owned()));
        files.sort();
        listed.sort();
        assert_eq!(files, listed);
        for (group, text) in GROUPS {
            let rules = parse(text).unwrap_or_else(|error| panic!("{group}: {error}"));
            for step in rules.iter().flat_map(|rules| &rules.steps) {
                if let Step::Lua(name) = step {
                    assert!(!script(name).is_empty(), "{group}: {name}");
                }
            }
        }
    }
}
