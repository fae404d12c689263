//! Random kustomizations that render a chart of their own, alone or in a base.

use rand::Rng;

use super::{Maker, Tree, maker};

/// A field of `helmCharts` and values it may have; those after the first are rarer.
const FIELDS: [(&str, &[&str]); 9] = [
    ("releaseName", &["ours", "a-b", "Not_One"]),
    ("namespace", &["shops", "default"]),
    ("includeCRDs", &["true", "false"]),
    ("skipTests", &["true", "false"]),
    ("skipHooks", &["true", "false"]),
    ("apiVersions", &["[example.com/v1]", "[example.com/v1, route.example.com/v2/Way]"]),
    ("kubeVersion", &["1.29.3", "v1.31.0", "newest"]),
    ("nameTemplate", &["tpl", "'tpl-{{ \"X\" | lower }}'"]),
    ("valuesMerge", &["override", "merge", "replace", "other"]),
];
const VALUES_FILE: &str = "valuesFile";
const ADDITIONAL: &str = "additionalValuesFiles";
const INLINE: &str = "valuesInline";
const OF_OLD: &str = "helmChartInflationGenerator";
const PLUGIN: &str = "HelmChartInflationGenerator";
const OVERLAY: &str = "chart in a base";

/// Values, as a file or inline holds them.
const VALUES: [&str; 9] = [
    "replicas: 3",
    "replicas: null",
    "settings: {colour: blue, more: 1.50}",
    "settings: {size: null}",
    "settings: null",
    "ports: [{name: web, port: 8080}]",
    "ports: [{name: http, port: 81}, {name: other, port: 1}]",
    "tag: '08'",
    "tag: 1e3",
];

const CHART: [(&str, &str); 5] = [
    ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.3.0\nappVersion: \"7\"\n"),
    (
        "values.yaml",
        "replicas: 1\ntag: x\nsettings:\n  colour: red\n  size: 2\nports:\n- name: http\n  port: 80\n",
    ),
    (
        "templates/all.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-shop\n  namespace: {{ \
         .Release.Namespace }}\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    spec:\n      \
         containers:\n      - name: shop\n        image: shop:{{ .Values.tag }}\n        envFrom:\n        - \
         configMapRef: {name: {{ .Release.Name }}-settings}\n        ports: {{ toJson .Values.ports }}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\ndata:\n  kube: {{ \
         .Capabilities.KubeVersion.Version }}\n  has: {{ .Capabilities.APIVersions.Has \"example.com/v1\" | quote \
         }}\n  {{- range $name, $value := .Values.settings }}\n  {{ $name }}: {{ $value | quote }}\n  {{- end }}\n",
    ),
    (
        "templates/hooks.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-test\n  annotations: {helm.sh/hook: \
         test}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-first\n  annotations: \
         {helm.sh/hook: pre-install}\n",
    ),
    (
        "crds/shops.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: \
         shops.example.com\nspec: {group: example.com, scope: Namespaced, names: {plural: shops, kind: Shop}}\n",
    ),
];

/// The names of everything such a tree may make use of.
pub(crate) fn chart_features() -> Vec<&'static str> {
    let fields = FIELDS.iter().map(|(field, _)| *field);
    fields.chain([VALUES_FILE, ADDITIONAL, INLINE, OF_OLD, PLUGIN, OVERLAY]).collect()
}

/// Makes the tree of a seed.
pub(crate) fn chart_tree(seed: u64) -> Tree {
    let mut maker = maker(seed);
    maker.chart();
    maker.tree
}

impl Maker {
    fn chart(&mut self) {
        for (path, text) in CHART {
            self.put(format!("base/charts/shop/{path}"), text.to_owned());
        }
        let around = self.around();
        let chart = match self.random.random_range(0..10) {
            0 => {
                self.uses(OF_OLD);
                let values = self.values();
                format!("{OF_OLD}:\n- chartName: shop\n  releaseName: old\n  valuesLocal: {values}\n")
            }
            1 | 2 => {
                self.uses(PLUGIN);
                let fields = self.fields("");
                let head =
                    format!("apiVersion: builtin\nkind: {PLUGIN}\nmetadata: {{name: chart}}\nname: shop\n");
                self.put("base/chart.yaml".to_owned(), head + &fields);
                "generators: [chart.yaml]\n".to_owned()
            }
            _ => format!("helmCharts:\n- name: shop\n{}", self.fields("  ")),
        };
        self.put("base/kustomization.yaml".to_owned(), chart + &around);
        self.tree.folder = "base".to_owned();
        if self.chance(40) {
            self.uses(OVERLAY);
            let around = self.around();
            self.put("overlay/kustomization.yaml".to_owned(), format!("resources: [../base]\n{around}"));
            self.tree.folder = "overlay".to_owned();
        }
    }

    /// What a kustomization does to the objects of the chart.
    fn around(&mut self) -> String {
        let mut text = String::new();
        for line in [
            "namespace: over\n",
            "namePrefix: my-\n",
            "nameSuffix: -v2\n",
            "commonLabels: {team: blue}\n",
            "images: [{name: shop, newTag: '9'}]\n",
            "buildMetadata: [originAnnotations, transformerAnnotations]\n",
            "patches:\n- target: {kind: Deployment}\n  patch: '- {op: add, path: /spec/paused, value: true}'\n",
        ] {
            if self.chance(20) {
                text.push_str(line);
            }
        }
        text
    }

    fn fields(&mut self, indent: &str) -> String {
        let mut text = String::new();
        for (field, values) in FIELDS {
            if self.chance(20) {
                self.uses(field);
                let value = if self.chance(85) { values[0] } else { self.pick(values) };
                text.push_str(&format!("{indent}{field}: {value}\n"));
            }
        }
        if self.chance(35) {
            self.uses(VALUES_FILE);
            let file = self.values_file("own.yaml");
            text.push_str(&format!("{indent}{VALUES_FILE}: {file}\n"));
        }
        if self.chance(30) {
            self.uses(ADDITIONAL);
            let files = [self.values_file("one.yaml"), self.values_file("two.yaml")].join(", ");
            text.push_str(&format!("{indent}{ADDITIONAL}: [{files}]\n"));
        }
        if self.chance(50) {
            self.uses(INLINE);
            let values = self.values();
            text.push_str(&format!("{indent}{INLINE}: {values}\n"));
        }
        text
    }

    /// A file of values, which is seldom missing.
    fn values_file(&mut self, name: &str) -> String {
        let values = self.values();
        if !self.chance(3) {
            self.put(format!("base/{name}"), format!("{values}\n"));
        }
        name.to_owned()
    }

    /// Some values as a map in one line.
    fn values(&mut self) -> String {
        let mut values: Vec<&str> = Vec::new();
        for value in VALUES {
            let key = |text: &str| text.split(':').next().map(str::to_owned);
            if self.chance(30) && values.iter().all(|other| key(other) != key(value)) {
                values.push(value);
            }
        }
        format!("{{{}}}", values.join(", "))
    }
}
