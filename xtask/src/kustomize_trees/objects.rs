//! Files with objects of many kinds, some of them written in odd ways.

use rand::Rng;

use super::{Known, Maker};

const NAMES: [&str; 12] =
    ["web", "api", "db", "web-2", "job", "cache", "mail", "auth", "queue", "proxy", "log", "store"];
const NAMESPACES: [&str; 4] = ["", "", "shop", "default"];

/// How often a kind comes, its name, its API version, and what follows its metadata.
type Kind = (u32, &'static str, &'static str, fn(&mut Maker) -> String);

const KINDS: [Kind; 20] = [
    (6, "Deployment", "apps/v1", |maker| workload(maker, "  replicas: 2\n")),
    (3, "StatefulSet", "apps/v1", stateful_set),
    (2, "DaemonSet", "apps/v1", |maker| workload(maker, "")),
    (1, "Job", "batch/v1", |maker| format!("spec:\n  template:\n{}", maker.pod("    "))),
    (2, "CronJob", "batch/v1", |maker| {
        format!(
            "spec:\n  schedule: '* * * * *'\n  jobTemplate:\n    spec:\n      template:\n        metadata: {{labels: {{app: job}}}}\n{}",
            maker.pod("        ")
        )
    }),
    (5, "ConfigMap", "v1", |_| {
        "data:\n  a: \"1\"\n  word: plain\n  s.yaml: |\n    # About.\n    port: 80   # open\n    name: \"x\"\n\n    # Items.\n    list: [1, 'a', b]\n    deep:\n        - {k: v}\n        - k: w\n  b: >-\n    folded\n    text\n  c: |+\n    kept\n\n".to_owned()
    }),
    (3, "Secret", "v1", |_| "type: Opaque\nstringData:\n  k: v\ndata:\n  a: Yg==\n".to_owned()),
    (4, "Service", "v1", |_| {
        "spec:\n  selector: {app: web}\n  ports:\n  - {name: http, port: 80, targetPort: 8080}\n  - name: dns\n    port: 53\n    protocol: UDP\n".to_owned()
    }),
    (3, "ServiceAccount", "v1", |_| String::new()),
    (2, "RoleBinding", "rbac.authorization.k8s.io/v1", binding),
    (2, "ClusterRoleBinding", "rbac.authorization.k8s.io/v1", binding),
    (1, "ClusterRole", "rbac.authorization.k8s.io/v1", |_| {
        "rules:\n- apiGroups: ['']\n  resources: [secrets]\n  resourceNames: [web]\n  verbs: [get]\n"
            .to_owned()
    }),
    (2, "Ingress", "networking.k8s.io/v1", |maker| {
        format!(
            "spec:\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: {}\n            port: {{number: 80}}\n",
            maker.pick(&NAMES)
        )
    }),
    (1, "HorizontalPodAutoscaler", "autoscaling/v2", |maker| {
        format!(
            "spec:\n  maxReplicas: 3\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {}}}\n",
            maker.pick(&NAMES)
        )
    }),
    (1, "PersistentVolumeClaim", "v1", |maker| {
        format!("spec:\n  accessModes: [ReadWriteOnce]\n  volumeName: {}\n", maker.pick(&NAMES))
    }),
    (1, "NetworkPolicy", "networking.k8s.io/v1", |_| {
        "spec:\n  podSelector:\n    matchLabels: {app: web}\n  ingress:\n  - from:\n    - podSelector: {matchLabels: {app: api}}\n".to_owned()
    }),
    (1, "PodDisruptionBudget", "policy/v1", |_| {
        "spec:\n  minAvailable: 50%\n  selector: {matchLabels: {app: web}}\n".to_owned()
    }),
    (1, "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", |maker| {
        format!(
            "webhooks:\n- name: a.example.com\n  clientConfig:\n    service: {{name: {}, namespace: {}, path: /v}}\n",
            maker.pick(&NAMES),
            maker.pick(&["default", "shop"])
        )
    }),
    (1, "CustomResourceDefinition", "apiextensions.k8s.io/v1", |_| {
        "spec:\n  group: example.com\n  names: {kind: Thing, plural: things}\n  scope: Namespaced\n"
            .to_owned()
    }),
    (4, "Thing", "example.com/v1", |maker| {
        let odd = maker.pick(&ODD_VALUES);
        format!(
            "spec:\n  list: [1, 2.50, 0x10, ~, 'x']\n  image: nginx:1\n  empty: {{}}\n  none:\n  odd: {odd}\n  containers:\n  - name: c\n    image: app\n"
        )
    }),
];

/// Values that readers and writers of YAML tell apart in their own ways.
const ODD_VALUES: [&str; 34] = [
    "1e3",
    "0x1F",
    "0o17",
    "017",
    "1_000",
    "null",
    "yes",
    "'yes'",
    "on",
    "2001-12-14",
    "12:30:45",
    ".5",
    "5.",
    "+1",
    "-0",
    "1.0",
    "1.50",
    "!!str 5",
    "\"a\\tb\"",
    "'it''s'",
    "|-\n    a\n     b",
    ">\n    a\n\n    b\n",
    "\"\\u00e9 \\U0001F600\"",
    "'# no'",
    "'a: b'",
    "'- a'",
    "\"\"",
    "'  '",
    "x # y",
    "\"\\\"\"",
    "'{a}'",
    "'*a'",
    "9007199254740993",
    "1e400",
];

/// What may be done to the text of a file that leaves its objects what they are.
type Oddity = (&'static str, fn(String) -> String);

const ODDITIES: [Oddity; 5] = [
    ("CRLF", |text| text.replace('\n', "\r\n")),
    ("comments", |text| {
        format!("# head\n{}# foot\n", text.replace("\nmetadata:", "\n# here\nmetadata: # there"))
    }),
    ("document start", |text| format!("---\n{text}---\n")),
    ("anchors", |text| {
        text.replacen("labels: {app: web}", "labels: &l {app: web}", 1).replacen(
            "matchLabels: {app: web}",
            "matchLabels: {app: &a web}",
            1,
        )
    }),
    ("quoted keys", |text| text.replace("metadata:", "\"metadata\":").replace("\nspec:", "\n'spec':")),
];

const LIST: &str = "List";
const PLACES: &str = "namespaces of objects";

pub(super) fn names() -> Vec<&'static str> {
    let kinds = KINDS.iter().map(|(_, name, ..)| *name);
    kinds.chain(ODDITIES.iter().map(|(name, _)| *name)).chain([LIST, PLACES]).collect()
}

fn workload(maker: &mut Maker, replicas: &str) -> String {
    format!(
        "spec:\n{replicas}  selector:\n    matchLabels: {{app: web}}\n  template:\n    metadata:\n      labels: {{app: web}}\n{}",
        maker.pod("    ")
    )
}

fn stateful_set(maker: &mut Maker) -> String {
    let service = maker.pick(&NAMES);
    let spec = workload(maker, "  replicas: 2\n");
    format!("{spec}  serviceName: {service}\n  volumeClaimTemplates:\n  - metadata: {{name: data}}\n")
}

fn binding(maker: &mut Maker) -> String {
    format!(
        "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {}\nsubjects:\n- kind: ServiceAccount\n  name: {}\n  namespace: {}\n",
        maker.pick(&NAMES),
        maker.pick(&["default", "web", "api"]),
        maker.pick(&["shop", "default", "x"])
    )
}

impl Maker {
    /// A file of one object or several.
    pub(super) fn file(&mut self) -> String {
        if self.chance(6) {
            self.uses(LIST);
            let items: String = (0..2).map(|_| item(&self.object())).collect();
            return format!("apiVersion: v1\nkind: List\nitems:\n{items}");
        }
        let mut file = String::new();
        for part in 0..self.random.random_range(1..4) {
            if part > 0 {
                file.push_str(self.pick(&["---\n", "--- # next\n", "---\n# comment\n", "\n---\n\n"]));
            }
            file.push_str(&self.object());
        }
        if self.chance(25)
            && let Some((feature, change)) = self.pick_from(&ODDITIES)
        {
            self.uses(feature);
            file = change(file);
        }
        file
    }

    fn object(&mut self) -> String {
        let all: u32 = KINDS.iter().map(|(weight, ..)| weight).sum();
        let mut at = self.random.random_range(0..all);
        let chosen = KINDS.iter().find(|(weight, ..)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        let &(_, kind, api_version, body) = chosen.unwrap_or(&KINDS[0]);
        self.uses(kind);
        let metadata = self.metadata(kind);
        format!("apiVersion: {api_version}\nkind: {kind}\n{metadata}{}", body(self))
    }

    fn metadata(&mut self, kind: &'static str) -> String {
        let mut name = self.pick(&NAMES);
        let taken = |maker: &Maker, name: &str| {
            maker.taken.iter().any(|known| known.kind == kind && known.name == name)
        };
        // Seldom, two objects have the same name.
        while taken(self, name) && !self.chance(2) {
            name = self.pick(&NAMES);
        }
        self.taken.push(Known { kind, name });
        self.known.push(Known { kind, name });
        let mut text = format!("metadata:\n  name: {name}\n");
        let namespace = if self.places { self.pick(&NAMESPACES) } else { "" };
        if !namespace.is_empty() {
            self.uses(PLACES);
            text.push_str(&format!("  namespace: {namespace}\n"));
        }
        if self.chance(40) {
            text.push_str("  labels: {app: web, 'tier': \"front\", since: 2024-01-02}\n");
        }
        if self.chance(20) {
            text.push_str("  annotations:\n    note: yes\n    size: 1e3\n    day: 2024-1-2\n    text: |\n      a\n\n       b\n");
        }
        text
    }

    fn pod(&mut self, indent: &str) -> String {
        let image =
            self.pick(&["nginx", "nginx:1.2", "reg.io:5000/app:v1", "app@sha256:0a", "busybox:latest"]);
        let name = self.pick(&NAMES);
        let variable = self.pick(&["V", "W", "NONE"]);
        let mut lines = vec![
            "spec:".to_owned(),
            "  containers:".to_owned(),
            "  - name: main".to_owned(),
            format!("    image: {image}"),
            "    ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]".to_owned(),
            "    env:".to_owned(),
            format!("    - {{name: A, value: '$({variable}) x'}}"),
        ];
        let more = [
            (
                60,
                format!(
                    "    - name: B\n{indent}      valueFrom: {{configMapKeyRef: {{name: {name}, key: a}}}}"
                ),
            ),
            (40, format!("    envFrom: [{{secretRef: {{name: {name}}}}}, {{configMapRef: {{name: gen}}}}]")),
            (40, format!("  serviceAccountName: {name}")),
            (20, "  initContainers:\n".to_owned() + indent + "  - {name: init, image: 'nginx:1.0'}"),
            (
                40,
                format!(
                    "  volumes:\n{indent}  - name: v\n{indent}    configMap:\n{indent}      name: {name}"
                ),
            ),
        ];
        for (percent, line) in more {
            if self.chance(percent) {
                lines.push(line);
            }
        }
        lines.iter().map(|line| format!("{indent}{line}\n")).collect()
    }
}

/// An object as an element of a list.
fn item(object: &str) -> String {
    let lines = object.lines().enumerate();
    lines.map(|(at, line)| format!("{}{line}\n", if at == 0 { "- " } else { "  " })).collect()
}
