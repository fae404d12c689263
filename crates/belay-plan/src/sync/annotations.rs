//! Comma-separated annotations, as Argo CD reads them.

use belay_manifest::Object;

/// Options of one object for its sync.
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// The words of a comma-separated annotation.
pub fn words<'a>(object: &'a Object, annotation: &str) -> impl Iterator<Item = &'a str> {
    let text = object.annotation(annotation).unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Whether the object's sync options hold this word, `Replace=true` say.
pub fn has_option(object: &Object, word: &str) -> bool {
    words(object, SYNC_OPTIONS).any(|own| own == word)
}

/// The value of a sync option of the object: `confirm` of `Prune=confirm`.
pub fn option<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    words(object, SYNC_OPTIONS).find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}
