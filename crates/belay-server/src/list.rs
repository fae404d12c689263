//! The list of apps: filtered, sorted, counted and cut into pages on this side.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::app::AppSummary;

/// Rows of a page when the caller does not say.
const PAGE: usize = 200;
/// Most rows of a page.
const LARGEST_PAGE: usize = 1000;

/// Which apps, in which order. Several values of one filter are separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// Words that all must occur in name, namespace, project, repository, revision or message.
    pub q: String,
    /// `argo`, `flux`.
    pub family: String,
    /// `app`, `ks`, `hr`.
    pub kind: String,
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub sync: String,
    /// `Healthy`, `Degraded`, …
    pub health: String,
    /// The app's own namespaces.
    pub namespace: String,
    /// Argo CD's projects.
    pub project: String,
    /// `drifted`, `suspended`, `running`: apps of which all of these hold.
    pub only: String,
    /// `name`, `namespace`, `sync`, `health`, `drift`, `changed`; with `-` in front the other way.
    pub sort: String,
    /// Rows to pass over.
    pub offset: usize,
    /// Most rows to return; 200 when 0.
    pub limit: usize,
}

/// A page of apps.
#[derive(Debug, Clone, Serialize)]
pub struct AppList {
    /// The rows of the page.
    #[serde(serialize_with = "rows")]
    pub items: Vec<Arc<AppSummary>>,
    /// Rows that pass the filters, on all pages.
    pub matching: usize,
    /// Apps there are.
    pub total: usize,
    /// For each filter, how many apps each of its values would leave, the other filters staying; values of
    /// no such app, too, so that nobody has to guess which there are. Of the
    /// states of `only`, which add up, how many of the matching apps have each.
    pub facets: BTreeMap<&'static str, BTreeMap<String, usize>>,
}

/// Shared rows as plain ones.
pub(crate) fn rows<S: Serializer>(rows: &[Arc<AppSummary>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| &**row))
}

/// The filters that have counts.
const FACETS: &[(&str, Value)] = &[
    ("family", |app| app.family.as_str().to_owned()),
    ("kind", |app| app.app.kind.short().to_owned()),
    ("sync", |app| app.sync.as_str().to_owned()),
    ("health", |app| app.health.as_str().to_owned()),
    ("namespace", |app| app.app.namespace.clone()),
    ("project", |app| app.project.clone()),
];

type Value = fn(&AppSummary) -> String;

/// The page that the query asks for.
pub fn list(apps: Vec<Arc<AppSummary>>, query: &ListQuery) -> AppList {
    let filters = Filters::new(query);
    let total = apps.len();
    let mut facets: BTreeMap<&'static str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut items = Vec::new();
    for app in apps {
        let failing = filters.failing(&app);
        for (place, (name, value)) in FACETS.iter().enumerate() {
            let value = value(&app);
            if !value.is_empty() {
                let counts = failing.iter().all(|failed| *failed == place);
                *facets.entry(name).or_default().entry(value).or_default() += usize::from(counts);
            }
        }
        if failing.is_empty() {
            for (state, holds) in STATES {
                *facets.entry("only").or_default().entry((*state).to_owned()).or_default() +=
                    usize::from(holds(&app));
            }
            items.push(app);
        }
    }
    sort(&mut items, &query.sort);
    let matching = items.len();
    let limit = if query.limit == 0 { PAGE } else { query.limit.min(LARGEST_PAGE) };
    let items = items.into_iter().skip(query.offset).take(limit).collect();
    AppList { items, matching, total, facets }
}

/// What can hold of an app beside its filters' values.
const STATES: &[(&str, Holds)] = &[
    ("drifted", |app| app.drift > 0),
    ("suspended", |app| app.suspended),
    ("running", |app| !app.operation.is_empty()),
];

type Holds = fn(&AppSummary) -> bool;

struct Filters {
    words: Vec<String>,
    only: Vec<String>,
    wanted: Vec<Vec<String>>,
}

impl Filters {
    fn new(query: &ListQuery) -> Filters {
        let texts =
            [&query.family, &query.kind, &query.sync, &query.health, &query.namespace, &query.project];
        Filters {
            words: query.q.split_whitespace().map(str::to_lowercase).collect(),
            only: values(&query.only),
            wanted: texts.into_iter().map(|text| values(text)).collect(),
        }
    }

    fn words_and_states_match(&self, app: &AppSummary) -> bool {
        let holds = |wanted: &String| STATES.iter().any(|(state, holds)| state == wanted && holds(app));
        let states = self.only.iter().all(holds);
        states && self.words.iter().all(|word| holds_word(app, word))
    }

    /// The places in [`FACETS`] of the filters that the app does not pass; a place beyond them for words and states.
    fn failing(&self, app: &AppSummary) -> Vec<usize> {
        if !self.words_and_states_match(app) {
            return vec![FACETS.len()];
        }
        let fails = |place: &usize| {
            let wanted = &self.wanted[*place];
            !wanted.is_empty() && !wanted.contains(&FACETS[*place].1(app))
        };
        (0..FACETS.len()).filter(fails).collect()
    }
}

fn values(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

fn holds_word(app: &AppSummary, word: &str) -> bool {
    if let Some(namespace) = word.strip_prefix("ns:") {
        return app.app.namespace.contains(namespace);
    }
    if let Some(kind) = word.strip_prefix("kind:") {
        return app.app.kind.short() == kind || app.app.kind.group_and_kind().1.to_lowercase() == kind;
    }
    let holds = |text: &str| text.to_lowercase().contains(word);
    let revision = app.revision.as_ref();
    holds(&app.app.name)
        || holds(&app.app.namespace)
        || holds(&app.project)
        || holds(&app.destination)
        || holds(&app.source.repository)
        || holds(&app.source.path)
        || holds(&app.message)
        || revision.is_some_and(|revision| {
            holds(&revision.id) || holds(&revision.subject) || holds(&revision.author)
        })
}

fn sort(items: &mut [Arc<AppSummary>], order: &str) {
    let (column, backwards) = order.strip_prefix('-').map_or((order, false), |column| (column, true));
    items.sort_by(|one, other| {
        let by_column = match column {
            "namespace" => one.app.namespace.cmp(&other.app.namespace),
            "sync" => one.sync.cmp(&other.sync),
            "health" => one.health.cmp(&other.health),
            "drift" => one.drift.cmp(&other.drift),
            "changed" => one.changed.cmp(&other.changed),
            _ => one.app.name.cmp(&other.app.name),
        };
        let by_column = if backwards { by_column.reverse() } else { by_column };
        by_column.then_with(|| one.app.name.cmp(&other.app.name)).then_with(|| one.app.cmp(&other.app))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AppKind, AppRef, Health, Source, Sync};

    fn app(kind: AppKind, name: &str, sync: Sync, health: Health) -> Arc<AppSummary> {
        Arc::new(AppSummary {
            app: AppRef { kind, namespace: "team".to_owned(), name: name.to_owned() },
            family: kind.family(),
            project: String::new(),
            destination: String::new(),
            source: Source { repository: "https://example.org/config".to_owned(), ..Source::default() },
            revision: None,
            sync,
            health,
            message: String::new(),
            drift: usize::from(sync == Sync::OutOfSync),
            suspended: false,
            automated: true,
            operation: String::new(),
            objects: 1,
            labels: BTreeMap::new(),
            changed: String::new(),
        })
    }

    fn apps() -> Vec<Arc<AppSummary>> {
        vec![
            app(AppKind::Application, "web", Sync::Synced, Health::Healthy),
            app(AppKind::Application, "api", Sync::OutOfSync, Health::Degraded),
            app(AppKind::Kustomization, "infra", Sync::Synced, Health::Healthy),
        ]
    }

    fn names(query: ListQuery) -> Vec<String> {
        list(apps(), &query).items.iter().map(|app| app.app.name.clone()).collect()
    }

    #[test]
    fn words_filters_and_order_work_together() {
        let of = |family: &str, q: &str, sort: &str| {
            names(ListQuery { family: family.into(), q: q.into(), sort: sort.into(), ..ListQuery::default() })
        };
        assert_eq!(of("", "", ""), ["api", "infra", "web"]);
        assert_eq!(of("argo", "", "-name"), ["web", "api"]);
        assert_eq!(of("argo,flux", "WEB example", ""), ["web"]);
        assert_eq!(of("", "kind:ks ns:tea", ""), ["infra"]);
        assert_eq!(of("", "", "-health"), ["api", "infra", "web"]);
        assert_eq!(names(ListQuery { only: "drifted".into(), ..ListQuery::default() }), ["api"]);
        assert_eq!(
            names(ListQuery { only: "unheard-of".into(), ..ListQuery::default() }),
            Vec::<String>::new()
        );
    }

    #[test]
    fn counts_of_a_filter_ignore_that_filter_only() {
        let page = list(apps(), &ListQuery { sync: "OutOfSync".into(), ..ListQuery::default() });
        assert_eq!((page.matching, page.total), (1, 3));
        assert_eq!(page.facets["sync"], BTreeMap::from([("OutOfSync".into(), 1), ("Synced".into(), 2)]));
        assert_eq!(page.facets["family"], BTreeMap::from([("argo".into(), 1), ("flux".into(), 0)]));
        let states = [("drifted", 1), ("running", 0), ("suspended", 0)];
        assert_eq!(page.facets["only"], states.map(|(state, count)| (state.to_owned(), count)).into());
    }

    #[test]
    fn pages_follow_each_other() {
        let page = |offset| names(ListQuery { offset, limit: 2, ..ListQuery::default() });
        assert_eq!(page(0), ["api", "infra"]);
        assert_eq!(page(2), ["web"]);
        assert_eq!(page(9), Vec::<String>::new());
    }
}
