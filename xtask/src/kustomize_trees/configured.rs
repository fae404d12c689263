//! Built-in plugins configured by objects: inline, in a file, or in a folder.

use super::Maker;

/// A plugin and its configuration without `apiVersion` and `kind`.
type Plugin = (&'static str, &'static str);

const TRANSFORMERS: [Plugin; 15] = [
    (
        "NamespaceTransformer",
        "metadata: {name: n, namespace: given}\nunsetOnly: true\nfieldSpecs: [{path: metadata/namespace, create: true}]\n",
    ),
    (
        "NamespaceTransformer",
        "metadata: {name: n, namespace: given}\nsetRoleBindingSubjects: allServiceAccounts\nfieldSpecs: []\n",
    ),
    (
        "PrefixTransformer",
        "metadata: {name: p}\nprefix: t-\nbogus: 1\nfieldSpecs: [{path: metadata/name, bogus: 1}]\n",
    ),
    (
        "SuffixTransformer",
        "metadata: {name: s}\nsuffix: -t\nfieldSpecs: [{path: metadata/name, kind: ConfigMap}]\n",
    ),
    (
        "LabelTransformer",
        "metadata: {name: l}\nlabels: {from: plugin}\nfieldSpecs: [{path: metadata/labels, create: true}, {kind: Service, path: spec/selector}]\n",
    ),
    (
        "AnnotationsTransformer",
        "metadata: {name: a}\nannotations: {a: b, number: 1.50, flag: on, day: 2024-01-02}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
    ),
    (
        "ImageTagTransformer",
        "metadata: {name: i}\nimageTag: {name: nginx, newTag: 9, bogus: [1]}\nfieldSpecs: [{path: 'spec/image'}]\n",
    ),
    (
        "ReplicaCountTransformer",
        "metadata: {name: r}\nreplica: {name: web, count: 4}\nfieldSpecs: [{path: spec/size, kind: Thing, create: true}, {path: spec/replicas}]\n",
    ),
    (
        "PatchTransformer",
        "metadata: {name: t}\npatch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {\"by\": \"plugin\"}}]'\ntarget: {kind: Secret}\n",
    ),
    (
        "PatchTransformer",
        "metadata: {name: t}\npatch: |-\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x}\n  data: {merged: 'yes'}\ntarget: {kind: ConfigMap}\n",
    ),
    ("HashTransformer", "metadata: {name: h}\n"),
    (
        "ValueAddTransformer",
        "metadata: {name: v}\nvalue: added\ntargets:\n- {selector: {kind: Thing}, fieldPath: spec/image, filePathPosition: 1}\n",
    ),
    (
        "ValueAddTransformer",
        "metadata: {name: w}\nvalue: '5'\ntargets:\n- {selector: {kind: ConfigMap}, fieldPath: data/a}\n- {selector: {kind: ConfigMap}, fieldPath: data/word}\n- {selector: {kind: Thing}, fieldPath: spec/image}\n- {selector: {kind: Thing}, fieldPath: spec/none}\n",
    ),
    (
        "ReplacementTransformer",
        "metadata: {name: c}\nreplacements:\n- sourceValue: plugin\n  targets:\n  - select: {kind: Service}\n    fieldPaths: [metadata.annotations.by]\n    options: {create: true}\n",
    ),
    (
        "PrefixSuffixTransformer",
        "metadata: {name: b}\nprefix: b-\nsuffix: -e\nfieldSpecs: [{path: metadata/name}]\n",
    ),
];

const GENERATORS: [Plugin; 2] = [
    ("ConfigMapGenerator", "metadata: {name: made-map}\nliterals: [x=y]\noptions: {labels: {made: map}}\n"),
    ("SecretGenerator", "metadata: {name: made-secret, namespace: made}\nliterals: [p=q]\ntype: Opaque\n"),
];

const VALIDATORS: [Plugin; 1] = [(
    "validating AnnotationsTransformer",
    "metadata: {name: a}\nannotations: {a: b}\nfieldSpecs: [{path: metadata/never}]\n",
)];

const IN_FILE: &str = "plugin in a file";
const IN_FOLDER: &str = "plugin in a folder";

pub(super) fn names() -> Vec<&'static str> {
    let plugins = TRANSFORMERS.iter().chain(&GENERATORS).chain(&VALIDATORS);
    let mut names: Vec<&str> = plugins.map(|(name, _)| *name).collect();
    names.dedup();
    names.extend([IN_FILE, IN_FOLDER]);
    names
}

impl Maker {
    pub(super) fn transformers(&mut self, folder: &str) -> String {
        self.plugin(folder, "transformers", &TRANSFORMERS)
    }

    pub(super) fn generators(&mut self, folder: &str) -> String {
        // One of a name in a tree.
        if folder != "overlay0" { String::new() } else { self.plugin(folder, "generators", &GENERATORS) }
    }

    pub(super) fn validators(&mut self, folder: &str) -> String {
        self.plugin(folder, "validators", &VALIDATORS)
    }

    fn plugin(&mut self, folder: &str, field: &str, plugins: &[Plugin]) -> String {
        let Some((name, body)) = self.pick_from(plugins) else { return String::new() };
        self.uses(name);
        let kind = name.trim_start_matches("validating ");
        let text = format!("apiVersion: builtin\nkind: {kind}\n{body}");
        match self.pick(&["inline", "inline", "file", "folder"]) {
            "file" => {
                self.uses(IN_FILE);
                self.put(format!("{folder}/{field}.yaml"), text);
                format!("{field}: [{field}.yaml]\n")
            }
            "folder" => {
                self.uses(IN_FOLDER);
                self.put(format!("{folder}/{field}/plugin.yaml"), text);
                let listed = "resources: [plugin.yaml]\n".to_owned();
                self.put(format!("{folder}/{field}/kustomization.yaml"), listed);
                format!("{field}: [{field}]\n")
            }
            _ => {
                let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
                format!("{field}:\n- |-\n{indented}")
            }
        }
    }
}
