//! Series that belong to an app, and go with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::core::{MetricVec, MetricVecBuilder};

/// An app's name in a family: what tells it from other apps.
pub(crate) type Owner = (String, String, String);

/// Series of one app in one family; more are not counted.
const MOST: usize = 200;

/// A family of series.
pub(crate) trait Series {
    /// One of them.
    type One;

    /// The one with these values of its labels.
    fn one(&self, values: &[String]) -> Option<Self::One>;

    /// Takes it away.
    fn remove(&self, values: &[String]);
}

impl<B: MetricVecBuilder> Series for MetricVec<B> {
    type One = B::M;

    fn one(&self, values: &[String]) -> Option<B::M> {
        self.get_metric_with_label_values(values).ok()
    }

    fn remove(&self, values: &[String]) {
        // A series that is not there any more is no loss.
        let _ = self.remove_label_values(values);
    }
}

/// A family of which each series belongs to an app.
pub(crate) struct PerApp<F> {
    family: F,
    series: Mutex<HashMap<Owner, BTreeSet<Vec<String>>>>,
}

impl<F: Series> PerApp<F> {
    pub(crate) fn new(family: F) -> PerApp<F> {
        PerApp { family, series: Mutex::default() }
    }

    /// The series with these values; nothing when the app has too many already.
    pub(crate) fn of(&self, owner: &Owner, values: &[&str]) -> Option<F::One> {
        let mut all = lock(&self.series);
        let series = all.entry(owner.clone()).or_default();
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        if !series.contains(&values) {
            if series.len() >= MOST {
                return None;
            }
            series.insert(values.clone());
        }
        self.family.one(&values)
    }

    /// Takes an app's series away.
    pub(crate) fn forget(&self, owner: &Owner) {
        for values in lock(&self.series).remove(owner).unwrap_or_default() {
            self.family.remove(&values);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
