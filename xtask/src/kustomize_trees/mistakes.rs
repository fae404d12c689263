//! One mistake somewhere in a tree.

use super::{MISTAKE, Maker};

/// How many trees in a hundred get one. Some of the others fail as well.
pub(super) const PERCENT: u32 = 18;

const FIELDS: [&str; 27] = [
    "unknownField: 1\n",
    "namePrefix: [a]\n",
    "resources: missing\n",
    "patches: [{path: none.yaml}]\n",
    "patches: [{patch: 'a: ['}]\n",
    "images: nginx\n",
    "kind: Other\n",
    "apiVersion: v2\n",
    "patches: [{patch: '[{\"op\": \"test\", \"path\": \"/a\", \"value\": 1}]', target: {kind: '.*'}}]\n",
    "replicas: [{name: nobody, count: 1}]\n",
    "configMapGenerator: [{name: g, files: [none]}]\n",
    "components: [../base]\n",
    "labels: [{pairs: {a: 1}}]\n",
    "labels: [{pairs: {'': x}}]\n",
    "commonAnnotations: {'': x}\n",
    "replacements: [{source: {kind: Nothing}, targets: [{select: {kind: Service}, fieldPaths: [a]}]}]\n",
    "vars: [{name: X, objref: {kind: Service, name: none, apiVersion: v1}}]\n",
    "secretGenerator: [{name: s, literals: [novalue]}]\n",
    "transformers: ['{apiVersion: builtin, kind: NoTransformer, metadata: {name: n}}']\n",
    "generators: ['{apiVersion: foreign/v1, kind: Other, metadata: {name: n}}']\n",
    "validators: ['{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: n}, prefix: x, fieldSpecs: [{path: metadata/name}]}']\n",
    "sortOptions: {order: random}\n",
    "openapi: {version: v0}\n",
    "patches: [{target: {name: '['}, patch: '[]'}]\n",
    "metadata: {name: 1}\n",
    "metadata: {uid: x}\n",
    "crds: [r0.yaml]\n",
];

const FILES: [&str; 8] = [
    "kind: [",
    "metadata: {name: x}\n",
    "kind: X\n",
    "a: b: c\n",
    "- 1\n",
    "apiVersion: v1\nkind: List\nitems: 3\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: *a}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n",
];

impl Maker {
    pub(super) fn spoil(&mut self) {
        self.uses(MISTAKE);
        let file = format!("{}/kustomization.yaml", self.tree.folder);
        if self.chance(25) {
            let target = self.tree.files.keys().find(|path| path.ends_with("r0.yaml")).cloned();
            let text = self.pick(&FILES);
            self.put(target.unwrap_or(file), text.to_owned());
            return;
        }
        let wrong = self.pick(&FIELDS);
        let field = wrong.split(':').next().unwrap_or_default();
        let text = self.tree.files.get(&file).cloned().unwrap_or_default();
        let doubled = text.lines().any(|line| line.starts_with(&format!("{field}:")));
        let text = if doubled { wrong.to_owned() } else { text + wrong };
        self.put(file, text);
    }
}
