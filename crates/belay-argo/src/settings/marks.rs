//! What becomes of a key: it is read, passed over with a reason, or told, as `fields.txt` of belay-argo-api says.

use belay_argo_api::setting;
use belay_crd::Verdict;

use super::document::Key;
use super::error::{Notice, SettingsError, Weight};
use super::{Data, customizations};

/// Most keys that one notice names.
const MOST_KEYS: usize = 8;

/// Has a key read that is honoured; says of others why nothing comes of them. An empty value sets nothing.
pub(super) fn read(
    key: &Key<'_>,
    text: &str,
    read: impl FnOnce(&Key<'_>) -> Result<bool, SettingsError>,
) -> Result<(), SettingsError> {
    if text.is_empty() && !key.name.starts_with(customizations::KEY) {
        return Ok(());
    }
    match setting(key.config_map, key.name, text) {
        Some(Verdict::Honoured) => {
            if !read(key)? {
                key.note(Weight::Behaviour, NOT_YET);
            }
        }
        Some(Verdict::Named | Verdict::Refused) => key.note(Weight::Behaviour, NOT_YET),
        Some(Verdict::Idle) => key.note(Weight::Idle, "concerns no part of Belay"),
        None => key.note(Weight::Behaviour, "is no key that Argo CD knows"),
    }
    Ok(())
}

const NOT_YET: &str = "is not supported yet";

/// What is to be said of a ConfigMap of which nothing is read.
pub(super) fn notice_of_unread(config_map: &str, data: &Data) -> Option<Notice> {
    let is_named = |(key, text): &(&String, &String)| {
        !text.is_empty() && setting(config_map, key, text) == Some(Verdict::Named)
    };
    let keys: Vec<&str> = data.iter().filter(is_named).map(|(key, _)| key.as_str()).collect();
    let (first, rest) = keys.split_at(keys.len().min(MOST_KEYS));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let verb = if keys.len() == 1 { "is" } else { "are" };
    (!keys.is_empty()).then(|| Notice {
        weight: Weight::Behaviour,
        message: format!("{config_map}: {}{more} {verb} not supported yet", first.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use belay_argo_api::support;

    use super::super::{CONFIG_MAP, PARAMETERS, Parameters, Settings, keys, parameters};
    use super::*;

    /// Whether the code that reads a ConfigMap knows a key; what it makes of the value is another matter.
    fn is_read(config_map: &'static str, name: &str) -> bool {
        let key = Key::new(config_map, name);
        let read = match config_map {
            CONFIG_MAP => keys::read(&key, "true", &mut Settings::default()),
            _ => parameters::read(&key, "true", &mut Settings::default().parameters),
        };
        read.unwrap_or(true)
    }

    #[test]
    fn what_is_read_is_what_is_honoured() {
        for config_map in [CONFIG_MAP, PARAMETERS] {
            let marks: Vec<_> = support().marks().filter(|(section, ..)| *section == config_map).collect();
            assert!(marks.len() > 10, "{config_map}");
            for (_, name, verdict) in marks {
                let name = name.replace('*', "x.y");
                assert_eq!(is_read(config_map, &name), verdict == Verdict::Honoured, "{config_map}: {name}");
            }
        }
    }

    #[test]
    fn an_unread_map_is_told_of_once() {
        let data =
            |keys: &[&str]| -> Data { keys.iter().map(|key| ((*key).to_owned(), "x".to_owned())).collect() };
        let message =
            |map: &str, keys: &[&str]| notice_of_unread(map, &data(keys)).map(|notice| notice.message);
        assert_eq!(
            message("argocd-rbac-cm", &["policy.csv", "policy.default", "policy.matchMode", "scopes"]),
            Some("argocd-rbac-cm: policy.csv, policy.default are not supported yet".to_owned())
        );
        assert_eq!(message("argocd-rbac-cm", &["scopes"]), None);
        let triggers: Vec<String> = (0..10).map(|number| format!("trigger.{number}")).collect();
        let triggers: Vec<&str> = triggers.iter().map(String::as_str).collect();
        let long = message("argocd-notifications-cm", &triggers).unwrap_or_default();
        assert!(long.ends_with("trigger.7 and 2 more are not supported yet"), "{long}");
    }

    #[test]
    fn an_empty_value_sets_nothing() {
        let data: Data = support()
            .marks()
            .filter(|(section, ..)| *section == PARAMETERS)
            .map(|(_, name, _)| (name.to_owned(), String::new()))
            .collect();
        let parsed = Settings::parse(&Data::new(), &data).expect("nothing is set");
        assert_eq!((parsed.settings.parameters, parsed.notices), (Parameters::default(), Vec::new()));
    }
}
