//! The build environment of a source: variables that some of its fields may name.

/// Variables by name, as Argo CD gives them to a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(Vec<(&'static str, String)>);

/// What the variables are made of.
#[derive(Debug, Clone)]
pub(crate) struct BuildFacts<'a> {
    pub(crate) app: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) project: &'a str,
    /// The commit.
    pub(crate) revision: &'a str,
    pub(crate) source: &'a belay_argo_api::ApplicationSource,
}

impl Environment {
    pub(crate) fn new(facts: &BuildFacts<'_>) -> Environment {
        let short = |length: usize| facts.revision.get(..length).unwrap_or(facts.revision);
        let source = facts.source;
        let variables = [
            ("ARGOCD_APP_NAME", facts.app),
            ("ARGOCD_APP_NAMESPACE", facts.namespace),
            ("ARGOCD_APP_PROJECT_NAME", facts.project),
            ("ARGOCD_APP_REVISION", facts.revision),
            ("ARGOCD_APP_REVISION_SHORT", short(7)),
            ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
            ("ARGOCD_APP_SOURCE_REPO_URL", &source.repo_url),
            ("ARGOCD_APP_SOURCE_PATH", &source.path),
            ("ARGOCD_APP_SOURCE_TARGET_REVISION", &source.target_revision),
        ];
        Environment(variables.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
    }

    /// The text with `$NAME` and `${NAME}` replaced, as Go's `os.Expand` does; an unknown variable is empty, `$$` is `$`.
    pub(crate) fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(place) = rest.find('$') {
            expanded.push_str(&rest[..place]);
            rest = &rest[place + 1..];
            let (name, width) = variable(rest);
            match (name, width) {
                // No name follows: the dollar stays.
                ("", 0) => expanded.push('$'),
                ("$", _) => expanded.push('$'),
                (name, _) => expanded.push_str(self.value(name)),
            }
            rest = &rest[width..];
        }
        expanded.push_str(rest);
        expanded
    }

    fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

/// The name at the beginning of the text, and how many bytes it takes with its braces.
fn variable(text: &str) -> (&str, usize) {
    let is_special = |byte: u8| matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9');
    let bytes = text.as_bytes();
    match bytes.first() {
        None => ("", 0),
        Some(b'{') => match bytes.iter().position(|byte| *byte == b'}') {
            // What is no variable is taken away, as Go does.
            None => ("", 1),
            Some(end) => (&text[1..end], end + 1),
        },
        Some(byte) if is_special(*byte) => (&text[..1], 1),
        Some(_) => {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let end = bytes.iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len());
            (&text[..end], end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_go_replaces_them() {
        let source = belay_argo_api::ApplicationSource { path: "p/q".to_owned(), ..Default::default() };
        let facts = BuildFacts {
            app: "web",
            namespace: "prod",
            project: "",
            revision: "0123456789abcdef",
            source: &source,
        };
        let environment = Environment::new(&facts);
        for (text, expected) in [
            ("$ARGOCD_APP_NAME-values.yaml", "web-values.yaml"),
            ("${ARGOCD_APP_NAMESPACE}/$ARGOCD_APP_SOURCE_PATH", "prod/p/q"),
            ("$ARGOCD_APP_REVISION_SHORT.$ARGOCD_APP_REVISION_SHORT_8", "0123456.01234567"),
            ("a$$b", "a$b"),
            ("$NOTHING.$", ".$"),
            ("${}x${open", "xopen"),
            ("$/x $1y é$é", "$/x y é$é"),
        ] {
            assert_eq!(environment.expand(text), expected, "{text}");
        }
    }
}
