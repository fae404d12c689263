//! The drafts of JSON Schema: what each calls an id, where it has subschemas, which vocabularies it is made of.

use super::address::split;
use super::document::{Document, Object};

/// A draft; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Draft {
    Draft4,
    Draft6,
    Draft7,
    Draft2019,
    Draft2020,
}

/// Where a keyword holds subschemas.
#[derive(Clone, Copy, Debug)]
pub(super) enum Position {
    /// The keyword's value is one.
    Itself(&'static str),
    /// The values of its object are.
    Values(&'static str),
    /// The items of its list are.
    Items(&'static str),
}

use Position::{Items, Itself, Values};

const SUBSCHEMAS_4: [Position; 12] = [
    Values("definitions"),
    Itself("not"),
    Items("allOf"),
    Items("anyOf"),
    Items("oneOf"),
    Values("properties"),
    Itself("additionalProperties"),
    Values("patternProperties"),
    Itself("items"),
    Items("items"),
    Itself("additionalItems"),
    Values("dependencies"),
];
const SUBSCHEMAS_6: [Position; 2] = [Itself("propertyNames"), Itself("contains")];
const SUBSCHEMAS_7: [Position; 3] = [Itself("if"), Itself("then"), Itself("else")];
const SUBSCHEMAS_2019: [Position; 5] = [
    Values("$defs"),
    Values("dependentSchemas"),
    Itself("unevaluatedProperties"),
    Itself("unevaluatedItems"),
    Itself("contentSchema"),
];
const SUBSCHEMAS_2020: [Position; 1] = [Items("prefixItems")];

const VOCABULARIES_2019: [&str; 6] = ["core", "applicator", "validation", "meta-data", "format", "content"];
const VOCABULARIES_2020: [&str; 8] = [
    "core",
    "applicator",
    "unevaluated",
    "validation",
    "meta-data",
    "format-annotation",
    "format-assertion",
    "content",
];

impl Draft {
    /// What schemas that name no draft are taken for.
    pub(super) const LATEST: Self = Self::Draft2020;
    pub(super) const ALL: [Self; 5] =
        [Self::Draft4, Self::Draft6, Self::Draft7, Self::Draft2019, Self::Draft2020];

    /// Where its metaschema is.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::Draft4 => "http://json-schema.org/draft-04/schema",
            Self::Draft6 => "http://json-schema.org/draft-06/schema",
            Self::Draft7 => "http://json-schema.org/draft-07/schema",
            Self::Draft2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::Draft2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The draft that `$schema` names, if it names one of these.
    pub(super) fn named(schema: &str) -> Option<Self> {
        let (url, fragment) = split(schema);
        let strip = |url| -> Option<&'static str> { Some(str::split_once(url, "://")?.1) };
        let path = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
        if !fragment.is_empty() {
            return None;
        }
        if path == "json-schema.org/schema" {
            return Some(Self::LATEST);
        }
        Self::ALL.into_iter().find(|draft| strip(draft.url()) == Some(path))
    }

    /// The keyword for ids.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::Draft4 { "id" } else { "$id" }
    }

    /// The id of a schema without its fragment, or nothing. Up to draft 7 a `$ref` stands alone.
    pub(super) fn id(self, schema: &Object) -> &str {
        if self < Self::Draft2019 && schema.contains_key("$ref") {
            return "";
        }
        schema.get(self.id_keyword()).and_then(Document::as_str).map_or("", |id| split(id).0)
    }

    /// Where subschemas stand, in an order of ours.
    pub(super) fn subschemas(self) -> impl Iterator<Item = Position> {
        let later: [(Self, &'static [Position]); 5] = [
            (Self::Draft4, &SUBSCHEMAS_4),
            (Self::Draft6, &SUBSCHEMAS_6),
            (Self::Draft7, &SUBSCHEMAS_7),
            (Self::Draft2019, &SUBSCHEMAS_2019),
            (Self::Draft2020, &SUBSCHEMAS_2020),
        ];
        later
            .into_iter()
            .filter(move |(since, _)| self >= *since)
            .flat_map(|(_, positions)| positions)
            .copied()
    }

    /// What the names of its vocabularies begin with.
    fn vocabulary_prefix(self) -> &'static str {
        match self {
            Self::Draft4 | Self::Draft6 | Self::Draft7 => "",
            Self::Draft2019 => "https://json-schema.org/draft/2019-09/vocab/",
            Self::Draft2020 => "https://json-schema.org/draft/2020-12/vocab/",
        }
    }

    /// Its vocabularies.
    pub(super) fn vocabularies(self) -> &'static [&'static str] {
        match self {
            Self::Draft4 | Self::Draft6 | Self::Draft7 => &[],
            Self::Draft2019 => &VOCABULARIES_2019,
            Self::Draft2020 => &VOCABULARIES_2020,
        }
    }

    fn default_vocabularies(self) -> &'static [&'static str] {
        match self {
            Self::Draft4 | Self::Draft6 | Self::Draft7 => &[],
            Self::Draft2019 => &["core", "applicator", "validation"],
            Self::Draft2020 => &["core", "applicator", "unevaluated", "validation"],
        }
    }

    /// The vocabularies that a metaschema demands, `None` where it says nothing; the error names one that is unknown.
    pub(super) fn demanded_vocabularies(
        self,
        metaschema: &Document,
    ) -> Result<Option<Vec<&'static str>>, String> {
        let demanded = metaschema.as_object().and_then(|keywords| keywords.get("$vocabulary"));
        let Some(demanded) = demanded.and_then(Document::as_object).filter(|_| self >= Self::Draft2019)
        else {
            return Ok(None);
        };
        let mut names = Vec::new();
        for (url, _) in demanded.iter().filter(|(_, is_demanded)| is_demanded.as_bool() == Some(true)) {
            let name = url.strip_prefix(self.vocabulary_prefix());
            let known = self.vocabularies().iter().find(|known| name == Some(**known));
            names.push(*known.ok_or_else(|| url.clone())?);
        }
        if !names.contains(&"core") {
            names.push("core");
        }
        Ok(Some(names))
    }
}

/// A draft, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) draft: Draft,
    /// Those of the draft if nothing is said.
    pub(super) vocabularies: Option<Vec<&'static str>>,
}

impl Dialect {
    pub(super) fn of(draft: Draft) -> Self {
        Self { draft, vocabularies: None }
    }

    pub(super) fn has(&self, vocabulary: &str) -> bool {
        let names = self.vocabularies.as_deref().unwrap_or_else(|| self.draft.default_vocabularies());
        self.draft < Draft::Draft2019 || vocabulary == "core" || names.contains(&vocabulary)
    }

    /// Up to draft 7 a format is a demand, later it is a remark.
    pub(super) fn asserts_formats(&self) -> bool {
        match self.draft {
            Draft::Draft2019 => self.has("format"),
            Draft::Draft2020 => self.has("format-assertion"),
            Draft::Draft4 | Draft::Draft6 | Draft::Draft7 => true,
        }
    }
}
