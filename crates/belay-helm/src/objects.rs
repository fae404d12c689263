//! What templates see beside values: `.Capabilities`, `.Files`, `.Chart`.

use std::any::Any;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use base64::Engine;
use belay_filetree::Glob;
use belay_gotemplate::{
    Call, Element, FunctionError, HostObject, Kind, List, Map, Signature, Type, Value,
    from_json_with_integers,
};
use bytes::Bytes;
use serde_json::json;

use crate::capabilities::{BuildInfo, Capabilities, KubeVersion};
use crate::chart::{Chart, Dependency, Metadata};

impl HostObject for Capabilities {
    fn type_name(&self) -> Cow<'static, str> {
        "*common.Capabilities".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        vec![
            ("KubeVersion".into(), Value::host(self.kube_version.clone())),
            ("APIVersions".into(), Value::host(VersionSet(self.api_versions.clone()))),
            ("HelmVersion".into(), Value::host(self.helm_version.clone())),
        ]
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Copy").then(|| Signature::new([], Type::Named("*common.Capabilities")))
    }

    fn call(&self, _: &str, _: &mut Call<'_>, _: &[Value]) -> Result<Value, FunctionError> {
        Ok(Value::host(self.clone()))
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(json!({
            "KubeVersion": self.kube_version.to_json(),
            "APIVersions": self.api_versions,
            "HelmVersion": self.helm_version.to_json(),
        }))
    }
}

impl HostObject for KubeVersion {
    fn type_name(&self) -> Cow<'static, str> {
        "common.KubeVersion".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.version,
            "Major" => &self.major,
            "Minor" => &self.minor,
            _ => return None,
        };
        Some(Value::string(text))
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let field = |name: &'static str| (name.into(), self.field(name).unwrap_or_default());
        let normalized = ("normalizedVersion".into(), Value::string(&self.normalized));
        vec![field("Version"), normalized, field("Major"), field("Minor")]
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(json!({"Version": self.version, "Major": self.major, "Minor": self.minor}))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then(|| Signature::new([], Type::String))
    }

    fn call(&self, name: &str, _: &mut Call<'_>, _: &[Value]) -> Result<Value, FunctionError> {
        Ok(Value::string(if name == "String" { &self.normalized } else { &self.version }))
    }

    fn addressed_text(&self) -> Option<String> {
        Some(self.normalized.clone())
    }
}

impl HostObject for BuildInfo {
    fn type_name(&self) -> Cow<'static, str> {
        "version.BuildInfo".into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        vec![
            ("Version".into(), Value::string(&self.version)),
            ("GitCommit".into(), Value::string(&self.git_commit)),
            ("GitTreeState".into(), Value::string(&self.git_tree_state)),
            ("GoVersion".into(), Value::string(&self.go_version)),
            ("KubeClientVersion".into(), Value::string(&self.kube_client_version)),
        ]
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        let may_be_empty = [
            ("version", &self.version),
            ("git_commit", &self.git_commit),
            ("git_tree_state", &self.git_tree_state),
            ("go_version", &self.go_version),
        ];
        let said = may_be_empty.into_iter().filter(|(_, text)| !text.is_empty());
        let all = said.chain([("kube_client_version", &self.kube_client_version)]);
        Some(all.map(|(name, text)| (name.to_owned(), json!(text))).collect::<serde_json::Map<_, _>>().into())
    }
}

/// `.Capabilities.APIVersions`
struct VersionSet(Vec<String>);

impl HostObject for VersionSet {
    fn type_name(&self) -> Cow<'static, str> {
        "common.VersionSet".into()
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then(|| Signature::new([Type::String], Type::Bool))
    }

    fn call(&self, _: &str, _: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let wanted = arguments.first().and_then(Value::as_str).unwrap_or_default();
        Ok(Value::Bool(self.0.iter().any(|version| *version == wanted)))
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::List(List::strings(&self.0)))
    }
}

/// `.Files`: the files that are neither templates nor charts.
pub(crate) struct Files {
    files: Rc<[(String, Bytes)]>,
    map: OnceCell<Map>,
}

impl Files {
    pub(crate) fn of(chart: &Chart) -> Files {
        let mut files: Vec<(String, Bytes)> =
            chart.files.iter().map(|file| (file.name.clone(), file.data.clone())).collect();
        // The last of several files of one name counts, as in a Go map.
        files.reverse();
        files.sort_by(|one, other| one.0.cmp(&other.0));
        files.dedup_by(|one, other| one.0 == other.0);
        Files { files: files.into(), map: OnceCell::new() }
    }

    fn get(&self, name: &str) -> Bytes {
        let place = self.files.binary_search_by(|(file, _)| file.as_str().cmp(name));
        place.map_or_else(|_| Bytes::new(), |place| self.files[place].1.clone())
    }

    fn glob(&self, pattern: &str) -> Files {
        // Helm takes every file when the pattern is not well formed.
        let glob = Glob::compile_path(pattern).ok();
        let matching =
            self.files.iter().filter(|(name, _)| glob.as_ref().is_none_or(|glob| glob.is_match(name)));
        Files { files: matching.cloned().collect(), map: OnceCell::new() }
    }

    /// The files by their names without folders, as YAML.
    fn as_data(&self, content: impl Fn(&Bytes) -> String) -> Value {
        let mut data = serde_json::Map::new();
        for (name, bytes) in self.files.iter() {
            let base = name.rsplit('/').next().unwrap_or(name);
            data.insert(base.to_owned(), content(bytes).into());
        }
        let yaml = belay_goyaml::to_yaml(&data.into());
        Value::string(yaml.strip_suffix('\n').unwrap_or(&yaml))
    }

    fn lines(&self, name: &str) -> Value {
        let content = self.get(name);
        if content.is_empty() {
            return Value::List(List::strings(Vec::<String>::new()));
        }
        let content = content.strip_suffix(b"\n").unwrap_or(&content);
        Value::List(List::strings(content.split(|byte| *byte == b'\n')))
    }
}

impl HostObject for Files {
    fn type_name(&self) -> Cow<'static, str> {
        "engine.files".into()
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" => Some(Signature::new([Type::String], Type::String)),
            "GetBytes" => Some(Signature::new([Type::String], Type::List(Element::Uint8))),
            "Glob" => Some(Signature::new([Type::String], Type::Named("engine.files"))),
            "Lines" => Some(Signature::new([Type::String], Type::List(Element::String))),
            "AsConfig" | "AsSecrets" => Some(Signature::new([], Type::String)),
            _ => None,
        }
    }

    fn call(&self, method: &str, _: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let argument = arguments.first().and_then(Value::as_str).unwrap_or_default();
        Ok(match method {
            "Get" => Value::string(&*self.get(&argument)),
            "GetBytes" => Value::Bytes(Rc::from(&*self.get(&argument))),
            "Glob" => Value::host(self.glob(&argument)),
            "Lines" => self.lines(&argument),
            "AsConfig" => self.as_data(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            _ => self.as_data(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)),
        })
    }

    fn underlying(&self) -> Option<Value> {
        let map = self.map.get_or_init(|| {
            let map = Map::of(Element::Bytes);
            for (name, content) in self.files.iter() {
                map.insert(name.as_str(), Value::Bytes(Rc::from(&**content)));
            }
            map
        });
        Some(Value::Map(map.clone()))
    }
}

/// `.Chart`: what `Chart.yaml` says, under the names of Helm's fields.
pub(crate) fn chart_map(metadata: &Metadata, is_root: bool) -> Map {
    let map = Map::new();
    let texts = [
        ("Name", &metadata.name),
        ("Home", &metadata.home),
        ("Version", &metadata.version),
        ("Description", &metadata.description),
        ("Icon", &metadata.icon),
        ("APIVersion", &metadata.api_version),
        ("Condition", &metadata.condition),
        ("Tags", &metadata.tags),
        ("AppVersion", &metadata.app_version),
        ("KubeVersion", &metadata.kube_version),
        ("Type", &metadata.chart_type),
    ];
    for (name, text) in texts {
        map.insert(name, text.as_str());
    }
    map.insert("Sources", text_list(&metadata.sources));
    map.insert("Keywords", text_list(&metadata.keywords));
    map.insert("Deprecated", metadata.deprecated);
    map.insert("IsRoot", is_root);
    map.insert("Annotations", annotations(metadata));
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        let texts = [("Name", &maintainer.name), ("Email", &maintainer.email), ("URL", &maintainer.url)];
        Value::Map(texts.into_iter().map(|(name, text)| (name, text.as_str())).collect())
    });
    map.insert("Maintainers", Value::list(maintainers.collect()));
    let dependencies = metadata.dependencies.as_deref().unwrap_or_default();
    map.insert("Dependencies", Value::list(dependencies.iter().map(dependency_map).collect()));
    map
}

fn annotations(metadata: &Metadata) -> Value {
    let Some(annotations) = &metadata.annotations else { return Value::Map(Map::nil(Element::String)) };
    let map = Map::of(Element::String);
    for (key, value) in annotations {
        map.insert(key.as_str(), value.as_str());
    }
    Value::Map(map)
}

fn text_list(texts: &[String]) -> Value {
    Value::list(texts.iter().map(Value::string).collect())
}

fn dependency_map(dependency: &Dependency) -> Value {
    let map = Map::new();
    let texts = [
        ("Name", &dependency.name),
        ("Version", &dependency.version),
        ("Repository", &dependency.repository),
        ("Condition", &dependency.condition),
        ("Alias", &dependency.alias),
    ];
    for (name, text) in texts {
        map.insert(name, text.as_str());
    }
    map.insert("Tags", text_list(&dependency.tags));
    map.insert("Enabled", dependency.enabled);
    let imports = dependency.import_values.iter().map(from_json_with_integers).collect();
    map.insert("ImportValues", Value::list(imports));
    Value::Map(map)
}
