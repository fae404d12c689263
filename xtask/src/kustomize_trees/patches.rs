//! Patches and replacements of what a folder holds.

use super::Maker;

/// A patch, by what it shows; nothing where there is no object for it.
type Patch = (&'static str, fn(&mut Maker, &str) -> String);

const PATCHES: [Patch; 13] = [
    ("merge by name", |maker, _| {
        maker.with(&["Deployment"], |name| {
            format!("- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: {name}}}\n    spec:\n      replicas: 7 # days\n      template:\n        # Of the pods.\n        spec:\n          dnsConfig: {{options: [{{name: 'ndots', value: \"2\"}}], searches: [on, b]}}\n          priorityClassName: 'high' # or low\n          # Last.\n          hostAliases:\n          - {{ip: 10.0.0.1, hostnames: [a]}}\n")
        })
    }),
    ("JSON patch by kind", |_, _| {
        "- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 9\n".to_owned()
    }),
    ("pattern of names", |maker, _| {
        let pattern = maker.pick(&["web.*", "(api|db)", ".*-.*", "[a-m].*"]);
        format!(
            "- target: {{name: '{pattern}'}}\n  patch: |-\n    - op: add\n      path: /metadata/annotations\n      value: {{patched: 'yes'}}\n"
        )
    }),
    ("label selector", |maker, _| {
        let selector = maker.pick(&["app=web", "tier in (front, back)", "!team", "app,tier!=back"]);
        format!(
            "- target: {{labelSelector: '{selector}', kind: 'Deployment|StatefulSet'}}\n  patch: |-\n    kind: Any\n    metadata: {{name: any}}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: main\n            env: [{{name: A, $patch: delete}}, {{name: N, value: n}}]\n          - {{name: side, image: side}}\n"
        )
    }),
    ("annotation selector", |_, _| {
        "- target: {annotationSelector: 'note'}\n  patch: |-\n    - {op: add, path: /metadata/labels, value: {noted: 'true'}}\n".to_owned()
    }),
    ("name change", renaming),
    ("merged ports", |_, _| {
        "- target: {kind: Service}\n  patch: |-\n    kind: Service\n    metadata: {name: x}\n    spec:\n      ports:\n      - {port: 80, targetPort: 9090}\n      - {\"port\": 443, name: 'tls'} # secret\n      selector: {'zone': \"a\", side: yes} # west\n".to_owned()
    }),
    ("deleted object", |maker, _| {
        let Some(name) = maker.known(&["ConfigMap"]) else { return String::new() };
        maker.known.retain(|known| known.kind != "ConfigMap" || known.name != name);
        format!(
            "- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: {name}}}\n    $patch: delete\n"
        )
    }),
    ("JSON operations", |maker, _| {
        let operation = maker.pick(&[
            "{op: add, path: /automountServiceAccountToken, value: false}",
            "{op: copy, from: /metadata/name, path: /metadata/generateName}",
            "{op: test, path: /kind, value: ServiceAccount}",
            "{op: add, path: /secrets, value: [{name: web}]}",
        ]);
        format!("- target: {{kind: ServiceAccount}}\n  patch: |-\n    - {operation}\n")
    }),
    ("directives", |maker, _| {
        let part = maker.pick(&[
            "containers: [{name: main, $patch: replace, image: fresh}]",
            "containers: [{$patch: replace}, {name: only, image: only}]",
            "$retainKeys: [containers]\n        containers: [{name: main, image: kept}]",
            "$setElementOrder/containers: [{name: side}, {name: main}]\n        containers: [{name: side, image: s}]",
            "volumes: [{name: v, configMap: null, emptyDir: {}}]",
            "serviceAccountName: null",
            "containers: [{name: main, ports: [{containerPort: 80, $patch: delete}]}]",
        ]);
        maker.with(&["Deployment"], |name| {
            format!("- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: {name}}}\n    spec:\n      template:\n        spec:\n          {}\n", part.replace("\n        ", "\n          "))
        })
    }),
    ("several documents", |maker, folder| {
        let (Some(one), Some(two)) = (maker.known(&["Service"]), maker.known(&["ServiceAccount"])) else {
            return String::new();
        };
        let text = format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {one}\n  labels: {{s: one}}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {two}\nimagePullSecrets: [{{name: pull}}]\n"
        );
        maker.put(format!("{folder}/several.yaml"), text);
        "- path: several.yaml\n".to_owned()
    }),
    ("custom resource merged", |_, _| {
        "- target: {group: example.com, version: v1, kind: Thing}\n  patch: |-\n    apiVersion: example.com/v1\n    kind: Thing\n    metadata: {name: any}\n    spec: {list: [2], none: null, empty: {a: 1}}\n".to_owned()
    }),
    ("kind change", |maker, _| {
        let Some(name) = maker.known(&["DaemonSet"]) else { return String::new() };
        maker.known.retain(|known| known.kind != "DaemonSet");
        format!(
            "- target: {{kind: DaemonSet, name: {name}}}\n  patch: |-\n    kind: Thing\n    apiVersion: apps/v1\n    metadata: {{name: {name}}}\n  options: {{allowKindChange: true}}\n"
        )
    }),
];

const REPLACEMENT_FILE: &str = "replacement in a file";
const REPLACEMENT_VALUE: &str = "replacement by a value";
const REPLACEMENT_IN_TEXT: &str = "replacement in a text of YAML";
const REPLACEMENT_OF_MAP: &str = "map in a text of YAML";

pub(super) fn names() -> Vec<&'static str> {
    PATCHES
        .iter()
        .map(|(name, _)| *name)
        .chain([REPLACEMENT_FILE, REPLACEMENT_VALUE, REPLACEMENT_IN_TEXT, REPLACEMENT_OF_MAP])
        .collect()
}

/// An object may be renamed once, as two may not get the same name.
fn renaming(maker: &mut Maker, folder: &str) -> String {
    if !std::mem::take(&mut maker.renames) {
        return String::new();
    }
    let Some(name) = maker.known(&["Service"]) else { return String::new() };
    let renamed = "apiVersion: v1\nkind: Service\nmetadata:\n  name: renamed\n  labels: {r: s}\n";
    maker.put(format!("{folder}/patch.yaml"), renamed.to_owned());
    format!(
        "- path: patch.yaml\n  target: {{kind: Service, name: {name}}}\n  options: {{allowNameChange: true}}\n"
    )
}

impl Maker {
    pub(super) fn patches(&mut self, folder: &str) -> String {
        let mut text = String::new();
        for _ in 0..2 {
            let Some((feature, write)) = self.pick_from(&PATCHES) else { continue };
            let patch = write(self, folder);
            if !patch.is_empty() {
                self.uses(feature);
                text.push_str(&patch);
            }
        }
        if text.is_empty() { text } else { format!("patches:\n{text}") }
    }

    pub(super) fn strategic_merge(&mut self, folder: &str) -> String {
        let Some(name) = self.known(&["Deployment"]) else { return String::new() };
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: main\n        ports: [{{containerPort: 80, name: http}}]\n        args: [a, b]\n      volumes:\n      - {{name: v, emptyDir: {{}}, configMap: null}}\n"
        );
        self.put(format!("{folder}/merge.yaml"), text);
        "patchesStrategicMerge: [merge.yaml]\n".to_owned()
    }

    pub(super) fn json_patches(&mut self, _: &str) -> String {
        let operation = self.pick(&["{op: add, path: /data/j, value: x}", "{op: remove, path: /data/a}"]);
        self.with(&["ConfigMap"], |name| {
            format!("patchesJson6902:\n- target: {{version: v1, kind: ConfigMap, name: {name}}}\n  patch: |-\n    - {operation}\n")
        })
    }

    pub(super) fn replacements(&mut self, folder: &str) -> String {
        if self.chance(40) {
            return self.replacement_of_map();
        }
        let sources = [
            ("Service", "metadata.name"),
            ("ConfigMap", "data.a"),
            ("Deployment", "kind"),
            ("Service", "spec.ports.[name=http].port"),
            ("Deployment", "spec.template.spec.containers.[name=main].image"),
            ("Service", "spec.ports.1.name"),
            ("Thing", "spec.list.1"),
        ];
        let Some((kind, path)) = self.pick_from(&sources) else { return String::new() };
        let Some(name) = self.known(&[kind]) else { return String::new() };
        let option = self.pick(&["", "", ", options: {delimiter: 'e'}"]);
        let source = format!("source: {{kind: {kind}, name: {name}, fieldPath: '{path}'{option}}}");
        let target = self.pick(&[
            "  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=main].image']\n    options: {delimiter: ':', index: 1}\n",
            "  - select: {kind: ConfigMap}\n    fieldPaths: [data.fresh]\n    options: {create: true}\n",
            "  - select: {name: web}\n    reject: [{kind: Service}]\n    fieldPaths: [metadata.annotations.copied]\n    options: {create: true}\n",
            "  - select: {kind: StatefulSet}\n    fieldPaths: ['spec.template.spec.containers.*.env.[name=A].value']\n",
            "  - select: {kind: Thing}\n    fieldPaths: [spec.list.4, 'spec.containers.*.name']\n",
            "  - select: {kind: Service}\n    fieldPaths: ['metadata.annotations.[example.com/x]', metadata.labels.fresh]\n    options: {create: true}\n",
            "  - select: {kind: ConfigMap}\n    fieldPaths: ['data.s\\.yaml.port', 'data.s\\.yaml.list.1', 'data.s\\.yaml.deep.*.k']\n",
            "  - select: {kind: ConfigMap}\n    fieldPaths: ['data.s\\.yaml.name', 'data.s\\.yaml.deep.[k=x].new', 'data.s\\.yaml.list.3']\n    options: {create: true}\n",
            "  - select: {kind: Service, namespace: default}\n    fieldPaths: [spec.externalName]\n    options: {create: true, delimiter: '-', index: -1}\n",
        ]);
        if target.contains("s\\.yaml") {
            self.uses(REPLACEMENT_IN_TEXT);
        }
        match self.pick(&["here", "here", "file", "value"]) {
            "file" => {
                self.uses(REPLACEMENT_FILE);
                let text =
                    format!("{source}\ntargets:\n{}", target.replace("  - ", "- ").replace("    ", "  "));
                self.put(format!("{folder}/replacement.yaml"), text);
                "replacements:\n- path: replacement.yaml\n".to_owned()
            }
            "value" => {
                self.uses(REPLACEMENT_VALUE);
                format!("replacements:\n- sourceValue: given\n  targets:\n{target}")
            }
            _ => format!("replacements:\n- {source}\n  targets:\n{target}"),
        }
    }

    /// Maps and lists that are copied into a text of YAML, with their layout.
    fn replacement_of_map(&mut self) -> String {
        let sources = [
            ("Service", "spec.selector"),
            ("Service", "spec"),
            ("Service", "spec.ports.[name=http]"),
            ("Deployment", "spec.template.spec"),
            ("Deployment", "metadata.labels"),
            ("Service", "metadata.labels"),
            ("Thing", "spec.containers"),
            ("Secret", "data"),
            ("Deployment", "spec.template.metadata"),
            ("RoleBinding", "subjects"),
        ];
        let Some((kind, path)) = self.pick_from(&sources) else { return String::new() };
        let Some(name) = self.known(&[kind]) else { return String::new() };
        self.uses(REPLACEMENT_OF_MAP);
        let target = self.pick(&["fresh", "deep", "list", "deep.[k=x]", "list.3"]);
        format!(
            "replacements:\n- source: {{kind: {kind}, name: {name}, fieldPath: '{path}'}}\n  targets:\n  - select: {{kind: ConfigMap}}\n    fieldPaths: ['data.s\\.yaml.{target}']\n    options: {{create: true}}\n"
        )
    }
}
