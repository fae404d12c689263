//! The fields of a kustomization, each with some chance.

use rand::Rng;

use super::{Known, Maker};

/// A field: its chance in a hundred, its name, and how it is written for a folder.
type Setting = (u32, &'static str, fn(&mut Maker, &str) -> String);

const SETTINGS: [Setting; 25] = [
    (35, "namePrefix", |maker, _| format!("namePrefix: {}\n", maker.pick(&["p-", "q-", "a1-"]))),
    (25, "nameSuffix", |maker, _| format!("nameSuffix: {}\n", maker.pick(&["-s", "-v2"]))),
    (35, "namespace", |maker, _| format!("namespace: {}\n", maker.pick(&["shop", "prod", "default"]))),
    (20, "commonLabels", |_, _| "commonLabels: {team: us, \"on\": \"yes\"}\n".to_owned()),
    (25, "labels", labels),
    (20, "commonAnnotations", |_, _| {
        "commonAnnotations: {owner: \"007\", b: 'x y', day: 2024-01-02}\n".to_owned()
    }),
    (35, "images", images),
    (15, "replicas", |maker, _| {
        let count = maker.pick(&["5", "0", "'3'"]).trim_matches('\'').to_owned();
        maker.with(&["Deployment", "StatefulSet"], |name| {
            format!("replicas:\n- {{name: {name}, count: {count}}}\n")
        })
    }),
    (30, "configMapGenerator", config_map),
    (15, "secretGenerator", secret),
    (15, "generatorOptions", |maker, _| {
        let option = maker.pick(&["annotations: {gen: 'true'}", "labels: {l: m}", "immutable: true"]);
        format!("generatorOptions: {{{option}}}\n")
    }),
    (35, "patches", Maker::patches),
    (15, "patchesStrategicMerge", Maker::strategic_merge),
    (10, "patchesJson6902", Maker::json_patches),
    (20, "replacements", Maker::replacements),
    (12, "vars", variables),
    (8, "buildMetadata", |maker, _| {
        let options = ["originAnnotations", "transformerAnnotations", "managedByLabel"];
        let both = "originAnnotations, transformerAnnotations";
        format!("buildMetadata: [{}]\n", maker.pick(&[options[0], options[1], options[2], both]))
    }),
    (10, "sortOptions", |maker, _| {
        maker.pick(&["sortOptions: {order: fifo}\n", "sortOptions: {order: legacy}\n", "sortOptions:\n  order: legacy\n  legacySortOptions: {orderFirst: [Service], orderLast: [Deployment]}\n"]).to_owned()
    }),
    (8, "configurations", configurations),
    (6, "crds", crds),
    (4, "metadata", |maker, _| {
        let more = maker.pick(&["", ", Labels: {a: b}", ", annotations: {day: 2024-01-02, none: null}"]);
        format!("metadata: {{name: own{more}}}\n")
    }),
    (4, "openapi", |_, _| "openapi: {version: v1.21.2}\n".to_owned()),
    (15, "transformers", Maker::transformers),
    (8, "generators", Maker::generators),
    (6, "validators", Maker::validators),
];

pub(super) fn names() -> Vec<&'static str> {
    SETTINGS.iter().map(|(_, name, _)| *name).collect()
}

impl Maker {
    pub(super) fn settings(&mut self, folder: &str) -> String {
        let mut text = String::new();
        for (percent, feature, write) in SETTINGS {
            // Components that sort or ask for metadata are ignored, but not an error.
            if self.chance(percent) {
                let setting = write(self, folder);
                if !setting.is_empty() {
                    self.uses(feature);
                    text.push_str(&setting);
                }
            }
        }
        text
    }
}

fn labels(maker: &mut Maker, _: &str) -> String {
    let option = maker.pick(&[
        "",
        "  includeSelectors: true\n",
        "  includeTemplates: true\n",
        "  fields: [{path: spec/template/metadata/labels, kind: Deployment, create: true}]\n",
        "  fields: [{path: spec/extra, kind: Thing, create: true}]\n",
    ]);
    format!("labels:\n- pairs: {{part: one}}\n{option}- pairs: {{env: test, 'n': '1'}}\n")
}

fn images(maker: &mut Maker, _: &str) -> String {
    let mut text = "images:\n".to_owned();
    for _ in 0..maker.random.random_range(1..3) {
        let change = maker.pick(&[
            "newTag: '2'",
            "newName: other/n",
            "digest: sha256:ff",
            "newTag: v3\n  newName: z",
            "tagSuffix: -x",
        ]);
        let name = maker.pick(&["nginx", "app", "reg.io:5000/app", "busybox"]);
        text.push_str(&format!("- name: {name}\n  {change}\n"));
    }
    text
}

const GENERATED: &str = "generated map";
const GENERATED_SECRET: &str = "generated secret";

/// The name of what is generated, and how it meets what is there.
fn meeting(maker: &mut Maker, kind: &'static str, name: &'static str, of_files: &str) -> (String, String) {
    let is_there = maker.known(&[kind]).is_some();
    let of_file = if maker.places { None } else { maker.known(&[of_files]) };
    if let Some(resource) = of_file.filter(|_| maker.random.random_range(0..100) < 30) {
        return (resource.to_owned(), format!("  behavior: {}\n", maker.pick(&["merge", "replace"])));
    }
    if !is_there {
        maker.known.push(Known { kind, name });
    }
    let fitting: &[&str] = if is_there { &["merge", "replace"] } else { &["", "", "create"] };
    let behavior = maker.pick(fitting);
    let behavior = if behavior.is_empty() { String::new() } else { format!("  behavior: {behavior}\n") };
    (name.to_owned(), behavior)
}

fn config_map(maker: &mut Maker, folder: &str) -> String {
    maker.put(format!("{folder}/app.env"), "# c\nA=1\n\nB = 2\nC\n".to_owned());
    maker.put(format!("{folder}/file.txt"), "line 1\nline 2\n".to_owned());
    let (name, behavior) = meeting(maker, GENERATED, "gen", "ConfigMap");
    let source = maker.pick(&[
        "  literals: [a=b, c=d]\n",
        "  literals: [\"a='q'\", 'b=\"\"', 'c=x=y']\n",
        "  files: [file.txt, other=file.txt]\n",
        "  envs: [app.env]\n",
        "  env: app.env\n",
        "  envs: [app.env]\n  literals: ['z=1']\n",
    ]);
    let options = maker.pick(&[
        "",
        "  options: {disableNameSuffixHash: true}\n",
        "  options:\n    labels: {g: h}\n    immutable: true\n",
    ]);
    format!("configMapGenerator:\n- name: {name}\n{behavior}{source}{options}")
}

fn secret(maker: &mut Maker, folder: &str) -> String {
    maker.put(format!("{folder}/key.txt"), "a long key\n".repeat(9));
    let (name, behavior) = meeting(maker, GENERATED_SECRET, "gen-secret", "Secret");
    let source = maker.pick(&["  literals: [k=v, 'q=\"x\"']\n", "  files: [key.txt]\n"]);
    let kind = maker.pick(&["", "", "  type: example.com/key\n"]);
    format!("secretGenerator:\n- name: {name}\n{behavior}{source}{kind}")
}

fn variables(maker: &mut Maker, folder: &str) -> String {
    // A name may come only once in a tree.
    let variable = match folder {
        "base" => "V",
        "overlay0" => "W",
        _ => return String::new(),
    };
    let field =
        maker.pick(&["", "  fieldref: {fieldpath: metadata.name}\n", "  fieldref: {fieldpath: kind}\n"]);
    maker.with(&["Service"], |name| {
        format!(
            "vars:\n- name: {variable}\n  objref: {{kind: Service, name: {name}, apiVersion: v1}}\n{field}"
        )
    })
}

fn configurations(maker: &mut Maker, folder: &str) -> String {
    let text = maker.pick(&[
        "images:\n- {path: spec/image, kind: Thing}\n",
        "namePrefix:\n- {path: metadata/name, kind: Thing}\n- {path: spec/image, kind: Thing}\n",
        "commonLabels:\n- {path: spec/labels, kind: Thing, create: true}\n",
        "commonAnnotations:\n- {path: spec/notes, kind: Thing, create: true}\n",
        "nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - {path: spec/containers/name, kind: Thing}\n",
        "varReference:\n- {path: spec/image, kind: Thing}\n",
        "namespace:\n- {path: spec/place, kind: Thing, create: true}\n",
        "replicas:\n- {path: spec/size, kind: Thing, create: true}\n",
    ]);
    maker.put(format!("{folder}/configuration.yaml"), text.to_owned());
    "configurations: [configuration.yaml]\n".to_owned()
}

fn crds(maker: &mut Maker, folder: &str) -> String {
    let reference = r#""x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "x-kubernetes-object-ref-name-key": "name""#;
    let text = format!(
        r#"{{"com.example.v1.Thing": {{"Schema": {{"properties": {{"apiVersion": {{}}, "kind": {{}}, "metadata": {{}}, "spec": {{"$ref": "com.example.v1.ThingSpec"}}}}}}}},
"com.example.v1.ThingSpec": {{"Schema": {{"properties": {{"ref": {{{reference}, "$ref": "com.example.v1.Ref"}}}}}}}},
"com.example.v1.Ref": {{"Schema": {{"properties": {{"name": {{"type": "string"}}}}}}}}}}"#
    );
    maker.put(format!("{folder}/crd.json"), text);
    "crds: [crd.json]\n".to_owned()
}
