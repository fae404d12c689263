//! How a build renders charts: what its caller decides, and what a kustomization says of a chart.

use std::fmt;
use std::sync::Arc;

use belay_gotemplate::{Clock, RandomSource};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::remote::RemoteChart;

/// What charts are told and given.
#[derive(Clone, Default)]
pub struct HelmOptions {
    /// The version of Kubernetes, over the one a kustomization names (`--helm-kube-version`).
    pub kube_version: Option<String>,
    /// API versions, instead of those a kustomization names (`--helm-api-versions`).
    pub api_versions: Vec<String>,
    /// The time, for charts that ask for it.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes, for charts that ask for them.
    pub random: Option<Arc<dyn RandomSource>>,
}

impl fmt::Debug for HelmOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HelmOptions")
            .field("kube_version", &self.kube_version)
            .field("api_versions", &self.api_versions)
            .finish_non_exhaustive()
    }
}

/// `helmGlobals`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct HelmGlobals {
    pub chart_home: String,
    pub config_home: String,
}

/// One entry of `helmCharts`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct HelmChart {
    pub name: String,
    pub version: String,
    pub repo: String,
    pub release_name: String,
    pub namespace: String,
    pub additional_values_files: Vec<String>,
    pub values_file: String,
    pub values_inline: Map<String, Value>,
    pub values_merge: String,
    #[serde(rename = "includeCRDs")]
    pub include_crds: bool,
    pub skip_hooks: bool,
    pub api_versions: Vec<String>,
    pub kube_version: String,
    pub name_template: String,
    pub skip_tests: bool,
    pub debug: bool,
    pub devel: bool,
}

impl HelmChart {
    pub(crate) fn remote(&self) -> RemoteChart {
        RemoteChart {
            repository: self.repo.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            devel: self.devel,
        }
    }
}

/// One entry of `helmChartInflationGenerator`, the old form of `helmCharts`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct HelmChartArguments {
    pub chart_name: String,
    pub chart_version: String,
    pub chart_repo_url: String,
    pub chart_home: String,
    pub chart_repo_name: String,
    pub helm_bin: String,
    pub helm_home: String,
    pub values: String,
    pub values_local: Map<String, Value>,
    pub values_merge: String,
    pub release_name: String,
    pub release_namespace: String,
    pub extra_args: Vec<String>,
}

/// Brings old arguments to the form of today.
pub(crate) fn fix(
    old: Vec<HelmChartArguments>,
    charts: &mut Vec<HelmChart>,
    globals: &mut Option<HelmGlobals>,
) {
    let mut found = HelmGlobals::default();
    for old in old {
        for (field, value) in
            [(&mut found.config_home, old.helm_home), (&mut found.chart_home, old.chart_home)]
        {
            if !value.is_empty() {
                *field = value;
            }
        }
        charts.push(HelmChart {
            name: old.chart_name,
            version: old.chart_version,
            repo: old.chart_repo_url,
            values_file: old.values,
            values_inline: old.values_local,
            values_merge: old.values_merge,
            release_name: old.release_name,
            ..HelmChart::default()
        });
    }
    if globals.is_none() && found != HelmGlobals::default() {
        *globals = Some(found);
    }
}
