//! How errors are told: ours keep their cause apart (`#[source]`), so that each is said once, at the edge.

use std::error::Error;

/// An error and its causes in one line, joined as Go joins wrapped errors: `what: why: why`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Step(&'static str, Option<Box<Step>>);

    impl std::fmt::Display for Step {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Step {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn causes_follow_their_error() {
        let error =
            Step("cannot render", Some(Box::new(Step("values.yaml", Some(Box::new(Step("tab", None)))))));
        assert_eq!(chain(&error), "cannot render: values.yaml: tab");
    }
}
