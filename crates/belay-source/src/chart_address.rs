//! Where the files of a chart repository are.

use url::{ParseError, Url};

/// An address from the repository's, whose query goes along; one that is whole already stays.
pub fn chart_address(repository: &str, reference: &str) -> Result<Url, ParseError> {
    if reference.contains("://") {
        return Url::parse(reference);
    }
    let mut base = Url::parse(repository)?;
    let folder = format!("{}/", base.path().trim_end_matches('/'));
    base.set_path(&folder);
    let mut address = base.join(reference)?;
    address.set_query(base.query());
    Ok(address)
}

/// The name that an archive from this address gets; none if it could not lie in a chart's `charts/` by it.
pub fn archive_name(address: &Url) -> Option<&str> {
    let name = address.path_segments()?.next_back()?;
    let leads_elsewhere = name.is_empty() || name.starts_with('.') || name.contains(['\\', '\0']);
    (!leads_elsewhere).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_from_the_repository() {
        let found = |repository: &str, reference: &str| {
            chart_address(repository, reference).map(|address| address.to_string())
        };
        for (repository, reference, expected) in [
            ("https://h/charts", "index.yaml", "https://h/charts/index.yaml"),
            ("https://h/charts/", "a/db-1.tgz", "https://h/charts/a/db-1.tgz"),
            ("https://h/charts?key=1", "db-1.tgz", "https://h/charts/db-1.tgz?key=1"),
            ("https://h/charts", "/db-1.tgz", "https://h/db-1.tgz"),
            ("https://h/charts", "https://other/db-1.tgz", "https://other/db-1.tgz"),
        ] {
            assert_eq!(found(repository, reference).as_deref(), Ok(expected));
        }
        assert!(found("charts", "db-1.tgz").is_err() && found("https://h", "x://").is_ok());
    }

    #[test]
    fn archives_get_the_last_name_of_their_address() {
        for (address, expected) in [
            ("https://h/charts/db-1.tgz?key=1", Some("db-1.tgz")),
            ("https://h/charts/", None),
            ("https://h/charts/.hidden", None),
            ("x:/a\\b", None),
            ("x://", None),
            ("data:text", None),
        ] {
            assert_eq!(archive_name(&Url::parse(address).unwrap()), expected, "{address}");
        }
    }
}
