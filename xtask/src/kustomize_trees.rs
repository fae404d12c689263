//! Random trees of kustomizations: bases, overlays, components, every transformer and generator,
//! oddities of YAML, and mistakes.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// Files by path, and the folder that is built.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) folder: String,
    /// What the tree makes use of.
    pub(crate) features: Vec<&'static str>,
}

const NAMES: [&str; 12] =
    ["web", "api", "db", "web-2", "job", "cache", "mail", "auth", "queue", "proxy", "log", "store"];
const NAMESPACES: [&str; 4] = ["", "", "shop", "default"];

/// Makes the tree of a seed.
pub(crate) fn tree(seed: u64) -> Tree {
    let mut maker = Maker {
        random: StdRng::seed_from_u64(seed),
        tree: Tree { files: BTreeMap::new(), folder: String::new(), features: Vec::new() },
        objects: Vec::new(),
        places: false,
    };
    maker.places = maker.chance(30);
    maker.make();
    maker.tree
}

struct Maker {
    random: StdRng,
    tree: Tree,
    /// Kinds and names of the objects so far.
    objects: Vec<(&'static str, &'static str)>,
    /// Whether objects get namespaces of their own.
    places: bool,
}

/// A field of a kustomization: its chance in a hundred, its name, and how it is written for a folder.
type Setting = (u32, &'static str, fn(&mut Maker, &str) -> String);

impl Maker {
    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn pick<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn uses(&mut self, feature: &'static str) {
        self.tree.features.push(feature);
    }

    fn put(&mut self, path: String, text: String) {
        self.tree.files.insert(path, text);
    }

    fn make(&mut self) {
        self.base("base");
        let mut top = "base".to_owned();
        let mut bases = vec!["../base".to_owned()];
        if self.chance(30) {
            self.uses("two bases");
            self.base("other");
            bases.push("../other".to_owned());
        }
        for depth in 0..self.random.random_range(1..3) {
            let folder = format!("overlay{depth}");
            let component = self.chance(25);
            if component {
                self.uses("component");
                let text = format!("kind: Component\n{}", self.settings("component"));
                self.put("component/kustomization.yaml".to_owned(), text);
            }
            let mut text = String::from("resources:\n");
            for base in &bases {
                text.push_str(&format!("- {base}\n"));
            }
            if component {
                text.push_str("components:\n- ../component\n");
            }
            text.push_str(&self.settings(&folder));
            self.put(format!("{folder}/kustomization.yaml"), text);
            bases = vec![format!("../{folder}")];
            top = folder;
        }
        self.tree.folder = top;
        if self.chance(25) {
            self.spoil();
        }
    }

    fn base(&mut self, folder: &str) {
        let mut text = String::from("resources:\n");
        for at in 0..self.random.random_range(1..4) {
            let mut file = String::new();
            for part in 0..self.random.random_range(1..4) {
                if part > 0 {
                    file.push_str(self.pick(&["---\n", "--- # next\n", "---\n# comment\n", "\n---\n\n"]));
                }
                file.push_str(&self.object());
            }
            text.push_str(&format!("- r{at}.yaml\n"));
            self.put(format!("{folder}/r{at}.yaml"), file);
        }
        if self.chance(60) {
            text.push_str(&self.settings(folder));
        }
        self.put(format!("{folder}/kustomization.yaml"), text);
    }

    /// The name of an object of the kind, if there is one.
    fn known(&mut self, kinds: &[&str]) -> Option<&'static str> {
        let fitting: Vec<&str> =
            self.objects.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, name)| *name).collect();
        fitting.choose(&mut self.random).copied()
    }

    fn metadata(&mut self, kind: &'static str) -> String {
        let mut name = self.pick(&NAMES);
        // Seldom, two objects have the same name.
        while self.objects.contains(&(kind, name)) && !self.chance(2) {
            name = self.pick(&NAMES);
        }
        self.objects.push((kind, name));
        let mut text = format!("metadata:\n  name: {name}\n");
        let namespace = if self.places { self.pick(&NAMESPACES) } else { "" };
        if !namespace.is_empty() {
            text.push_str(&format!("  namespace: {namespace}\n"));
        }
        if self.chance(40) {
            text.push_str("  labels: {app: web, 'tier': \"front\"}\n");
        }
        if self.chance(20) {
            text.push_str("  annotations:\n    note: yes\n    size: 1e3\n    text: |\n      a\n\n       b\n");
        }
        text
    }

    fn object(&mut self) -> String {
        const KINDS: [&str; 13] = [
            "Deployment",
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "ConfigMap",
            "Service",
            "ServiceAccount",
            "RoleBinding",
            "ClusterRoleBinding",
            "Ingress",
            "Thing",
            "Secret",
            "CronJob",
        ];
        let kind = KINDS[self.random.random_range(0..KINDS.len())];
        let metadata = self.metadata(kind);
        match kind {
            "Deployment" | "StatefulSet" | "DaemonSet" => {
                format!(
                    "apiVersion: apps/v1\nkind: {kind}\n{metadata}spec:\n  replicas: 2\n  selector:\n    matchLabels: {{app: web}}\n  template:\n    metadata:\n      labels: {{app: web}}\n{}",
                    self.pod("    ")
                )
            }
            "ConfigMap" => format!(
                "apiVersion: v1\nkind: ConfigMap\n{metadata}data:\n  a: \"1\"\n  b: >-\n    folded\n    text\n  c: |+\n    kept\n\n"
            ),
            "Service" => format!(
                "apiVersion: v1\nkind: Service\n{metadata}spec:\n  selector: {{app: web}}\n  ports:\n  - {{name: http, port: 80, targetPort: 8080}}\n  - name: dns\n    port: 53\n    protocol: UDP\n"
            ),
            "ServiceAccount" => format!("apiVersion: v1\nkind: ServiceAccount\n{metadata}"),
            "RoleBinding" | "ClusterRoleBinding" => format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: {}\n{metadata}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {}\nsubjects:\n- kind: ServiceAccount\n  name: {}\n  namespace: {}\n",
                kind,
                self.pick(&NAMES),
                self.pick(&["default", "web", "api"]),
                self.pick(&["shop", "default", "x"])
            ),
            "Ingress" => format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\n{metadata}spec:\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: {}\n            port: {{number: 80}}\n",
                self.pick(&NAMES)
            ),
            "Thing" => format!(
                "apiVersion: example.com/v1\nkind: Thing\n{metadata}spec:\n  list: [1, 2.50, 0x10, ~, 'x']\n  image: nginx:1\n  empty: {{}}\n  none:\n  containers:\n  - name: c\n    image: app\n"
            ),
            "Secret" => format!(
                "apiVersion: v1\nkind: Secret\n{metadata}type: Opaque\nstringData:\n  k: v\ndata:\n  a: Yg==\n"
            ),
            _ => format!(
                "apiVersion: batch/v1\nkind: CronJob\n{metadata}spec:\n  schedule: '* * * * *'\n  jobTemplate:\n    spec:\n      template:\n        metadata: {{labels: {{app: job}}}}\n{}",
                self.pod("        ")
            ),
        }
    }

    fn pod(&mut self, indent: &str) -> String {
        let image =
            self.pick(&["nginx", "nginx:1.2", "reg.io:5000/app:v1", "app@sha256:0a", "busybox:latest"]);
        let name = self.pick(&NAMES);
        let mut lines = vec![
            "spec:".to_owned(),
            "  containers:".to_owned(),
            "  - name: main".to_owned(),
            format!("    image: {image}"),
            "    ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]".to_owned(),
            "    env:".to_owned(),
            format!("    - {{name: A, value: '$({}) x'}}", self.pick(&["V", "W", "NONE"])),
        ];
        if self.chance(60) {
            lines.push(format!(
                "    - name: B\n{indent}      valueFrom: {{configMapKeyRef: {{name: {name}, key: a}}}}"
            ));
        }
        if self.chance(40) {
            lines.push(format!(
                "    envFrom: [{{secretRef: {{name: {name}}}}}, {{configMapRef: {{name: gen}}}}]"
            ));
        }
        if self.chance(40) {
            lines.push(format!("  serviceAccountName: {name}"));
        }
        if self.chance(40) {
            lines.push(format!(
                "  volumes:\n{indent}  - name: v\n{indent}    configMap:\n{indent}      name: {name}"
            ));
        }
        lines.iter().map(|line| format!("{indent}{line}\n")).collect()
    }

    /// Fields of a kustomization, each with some chance.
    fn settings(&mut self, folder: &str) -> String {
        let mut text = String::new();
        let fields: [Setting; 18] = [
            (35, "namePrefix", |maker, _| format!("namePrefix: {}\n", maker.pick(&["p-", "q-", "a1-"]))),
            (25, "nameSuffix", |maker, _| format!("nameSuffix: {}\n", maker.pick(&["-s", "-v2"]))),
            (35, "namespace", |maker, _| {
                format!("namespace: {}\n", maker.pick(&["shop", "prod", "default"]))
            }),
            (20, "commonLabels", |_, _| "commonLabels: {team: us, \"on\": \"yes\"}\n".to_owned()),
            (25, "labels", |maker, _| {
                let option = maker.pick(&["", "  includeSelectors: true\n", "  includeTemplates: true\n"]);
                format!("labels:\n- pairs: {{part: one}}\n{option}- pairs: {{env: test}}\n")
            }),
            (20, "commonAnnotations", |_, _| "commonAnnotations: {owner: \"007\", b: 'x y'}\n".to_owned()),
            (35, "images", |maker, _| {
                let change = maker.pick(&[
                    "newTag: '2'",
                    "newName: other/n",
                    "digest: sha256:ff",
                    "newTag: v3\n  newName: z",
                    "tagSuffix: -x",
                ]);
                format!(
                    "images:\n- name: {}\n  {change}\n",
                    maker.pick(&["nginx", "app", "reg.io:5000/app", "busybox"])
                )
            }),
            (15, "replicas", |maker, _| {
                let name = maker.known(&["Deployment", "StatefulSet"]);
                name.map_or_else(String::new, |name| format!("replicas:\n- {{name: {name}, count: 5}}\n"))
            }),
            (30, "configMapGenerator", Maker::config_map),
            (15, "secretGenerator", |_, folder| {
                format!(
                    "secretGenerator:\n- name: {}\n  literals: [k=v, 'q=\"x\"']\n",
                    if folder == "base" { "gen-secret" } else { "more-secret" }
                )
            }),
            (35, "patches", Maker::patches),
            (15, "patchesStrategicMerge", Maker::strategic_merge),
            (10, "patchesJson6902", |maker, _| {
                format!(
                    "patchesJson6902:\n- target: {{version: v1, kind: ConfigMap, name: {}}}\n  patch: |-\n    - {{op: add, path: /data/j, value: x}}\n",
                    maker.pick(&NAMES)
                )
            }),
            (20, "replacements", Maker::replacements),
            (12, "vars", |maker, folder| {
                // Every folder has a variable of its own, as a name may come only once.
                let variable = if folder == "base" { "V" } else { "W" };
                let name = maker.known(&["Service"]).unwrap_or_else(|| maker.pick(&NAMES));
                format!(
                    "vars:\n- name: {variable}\n  objref: {{kind: Service, name: {name}, apiVersion: v1}}\n"
                )
            }),
            (10, "buildMetadata", |maker, _| {
                format!(
                    "buildMetadata: [{}]\n",
                    maker.pick(&[
                        "originAnnotations",
                        "transformerAnnotations",
                        "originAnnotations, transformerAnnotations"
                    ])
                )
            }),
            (10, "sortOptions", |maker, _| {
                maker.pick(&["sortOptions: {order: fifo}\n", "sortOptions: {order: legacy}\n", "sortOptions:\n  order: legacy\n  legacySortOptions: {orderFirst: [Service], orderLast: [Deployment]}\n"]).to_owned()
            }),
            (12, "transformers", Maker::plugins),
        ];
        for (percent, feature, write) in fields {
            if self.chance(percent) {
                self.uses(feature);
                text.push_str(&write(self, folder));
            }
        }
        text
    }

    fn config_map(&mut self, folder: &str) -> String {
        self.put(format!("{folder}/app.env"), "# c\nA=1\n\nB = 2\nC\n".to_owned());
        self.put(format!("{folder}/file.txt"), "line 1\nline 2\n".to_owned());
        let known = self.known(&["ConfigMap"]);
        let name = if self.chance(40) { known.unwrap_or("gen") } else { "gen" };
        let behavior =
            self.pick(&["", "", "", "  behavior: merge\n", "  behavior: replace\n", "  behavior: create\n"]);
        let source = self.pick(&[
            "  literals: [a=b, c=d]\n",
            "  files: [file.txt, other=file.txt]\n",
            "  envs: [app.env]\n",
            "  envs: [app.env]\n  literals: ['z=1']\n",
        ]);
        let options = self.pick(&[
            "",
            "  options: {disableNameSuffixHash: true}\n",
            "  options:\n    labels: {g: h}\n    immutable: true\n",
        ]);
        let general = self.pick(&["", "", "generatorOptions:\n  annotations: {gen: 'true'}\n"]);
        format!("configMapGenerator:\n- name: {name}\n{behavior}{source}{options}{general}")
    }

    fn patches(&mut self, folder: &str) -> String {
        let name = self.pick(&NAMES);
        let workload = self.known(&["Deployment"]);
        let map = self.known(&["ConfigMap"]);
        let body = match self.random.random_range(0..7) {
            0 if workload.is_some() => format!("- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: {}}}\n    spec: {{replicas: 7}}\n", workload.unwrap_or_default()),
            1 => "- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 9\n".to_owned(),
            2 => format!("- target: {{name: '{name}.*'}}\n  patch: |-\n    - op: add\n      path: /metadata/annotations\n      value: {{patched: 'yes'}}\n"),
            3 => "- target: {labelSelector: 'app=web'}\n  patch: |-\n    kind: Any\n    metadata: {name: any}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: main\n            env: [{name: A, $patch: delete}, {name: N, value: n}]\n          - {name: side, image: side}\n".to_owned(),
            4 => format!("- path: patch.yaml\n  target: {{kind: {}}}\n  options: {{allowNameChange: true}}\n", self.pick(&["Service", "ConfigMap"])),
            5 => "- target: {kind: Service}\n  patch: |-\n    kind: Service\n    metadata: {name: x}\n    spec:\n      ports:\n      - {port: 80, targetPort: 9090}\n      - {port: 443, name: tls}\n".to_owned(),
            _ if map.is_some() => format!("- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: {}}}\n    $patch: delete\n", map.unwrap_or_default()),
            _ => "- target: {kind: ServiceAccount}\n  patch: |-\n    - {op: add, path: /automountServiceAccountToken, value: false}\n".to_owned(),
        };
        let renamed = "apiVersion: v1\nkind: Service\nmetadata:\n  name: renamed\n  labels: {r: s}\n";
        self.put(format!("{folder}/patch.yaml"), renamed.to_owned());
        format!("patches:\n{body}")
    }

    fn strategic_merge(&mut self, folder: &str) -> String {
        let Some(name) = self.known(&["Deployment"]) else { return String::new() };
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: main\n        ports: [{{containerPort: 80, name: http}}]\n        args: [a, b]\n      volumes:\n      - {{name: v, emptyDir: {{}}, configMap: null}}\n"
        );
        self.put(format!("{folder}/merge.yaml"), text);
        "patchesStrategicMerge: [merge.yaml]\n".to_owned()
    }

    fn replacements(&mut self, _: &str) -> String {
        let (kind, path) = *[
            ("Service", "metadata.name"),
            ("ConfigMap", "data.a"),
            ("Deployment", "metadata.namespace"),
            ("Service", "spec.ports.[name=http].port"),
            ("Deployment", "spec.template.spec.containers.[name=main].image"),
        ]
        .choose(&mut self.random)
        .unwrap_or(&("Service", "metadata.name"));
        let Some(name) = self.known(&[kind]) else { return String::new() };
        let source = format!("{{kind: {kind}, name: {name}, fieldPath: '{path}'}}");
        let target = self.pick(&[
            "  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=main].image']\n    options: {delimiter: ':', index: 1}\n",
            "  - select: {kind: ConfigMap}\n    fieldPaths: [data.fresh]\n    options: {create: true}\n",
            "  - select: {name: web}\n    reject: [{kind: Service}]\n    fieldPaths: [metadata.annotations.copied]\n    options: {create: true}\n",
            "  - select: {kind: StatefulSet}\n    fieldPaths: ['spec.template.spec.containers.*.env.[name=A].value']\n",
        ]);
        format!("replacements:\n- source: {source}\n  targets:\n{target}")
    }

    fn plugins(&mut self, _: &str) -> String {
        let plugin = self.pick(&[
            "  kind: NamespaceTransformer\n  metadata: {name: n, namespace: given}\n  unsetOnly: true\n  fieldSpecs: [{path: metadata/namespace, create: true}]\n",
            "  kind: PrefixTransformer\n  metadata: {name: p}\n  prefix: t-\n  fieldSpecs: [{path: metadata/name}]\n",
            "  kind: LabelTransformer\n  metadata: {name: l}\n  labels: {from: plugin}\n  fieldSpecs: [{path: metadata/labels, create: true}, {kind: Service, path: spec/selector}]\n",
            "  kind: AnnotationsTransformer\n  metadata: {name: a}\n  annotations: {a: b}\n  fieldSpecs: [{path: metadata/annotations, create: true}]\n",
            "  kind: ImageTagTransformer\n  metadata: {name: i}\n  imageTag: {name: nginx, newTag: '9'}\n  fieldSpecs: [{path: 'spec/image'}]\n",
            "  kind: NamespaceTransformer\n  metadata: {name: n, namespace: given}\n  setRoleBindingSubjects: allServiceAccounts\n  fieldSpecs: []\n",
        ]);
        format!("transformers:\n- |-\n  apiVersion: builtin\n{plugin}")
    }

    /// One mistake somewhere.
    fn spoil(&mut self) {
        self.uses("mistake");
        let folder = self.tree.folder.clone();
        let file = format!("{folder}/kustomization.yaml");
        let wrong = self.pick(&[
            "unknownField: 1\n",
            "namePrefix: [a]\n",
            "resources: missing\n",
            "patches: [{path: none.yaml}]\n",
            "patches: [{patch: 'a: ['}]\n",
            "images: nginx\n",
            "kind: Other\n",
            "apiVersion: v2\n",
            "patches: [{patch: '[{\"op\": \"test\", \"path\": \"/a\", \"value\": 1}]', target: {kind: Service}}]\n",
            "replicas: [{name: nobody, count: 1}]\n",
            "configMapGenerator: [{name: g, files: [none]}]\n",
            "components: [../base]\n",
            "labels: [{pairs: {a: 1}}]\n",
        ]);
        match self.random.random_range(0..4) {
            0 => {
                let target = self.tree.files.keys().find(|path| path.ends_with("r0.yaml")).cloned();
                let text = self.pick(&[
                    "kind: [",
                    "metadata: {name: x}\n",
                    "kind: X\n",
                    "a: b: c\n",
                    "- 1\n",
                    "apiVersion: v1\nkind: List\nitems: 3\n",
                ]);
                self.put(target.unwrap_or(file), text.to_owned());
            }
            _ => {
                let field = wrong.split(':').next().unwrap_or_default();
                let text = self.tree.files.get(&file).cloned().unwrap_or_default();
                let doubled = text.lines().any(|line| line.starts_with(&format!("{field}:")));
                let text = if doubled { wrong.to_owned() } else { text + wrong };
                self.put(file, text);
            }
        }
    }
}
