//! What `helm template` prints.

use std::borrow::Cow;

use belay_filetree::path_match;
use belay_gotemplate::bytes_of;

use crate::manifest::split_manifests;
use crate::render::{Crd, NotText, Rendered};

/// The flags that choose what is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputOptions {
    /// `--include-crds`
    pub include_crds: bool,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
    /// `--show-only`: paths or patterns below the chart.
    pub show_only: Vec<String>,
}

/// Why nothing can be printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// `--show-only` names a template that gave nothing.
    #[error("could not find template {pattern} in chart")]
    NoSuchTemplate {
        /// The path or pattern.
        pattern: String,
    },
    /// A definition that would have to be printed is no text.
    #[error(transparent)]
    NotText(#[from] NotText),
}

/// How a definition is read as text.
type ReadCrd = for<'c> fn(&'c Crd) -> Result<Cow<'c, str>, NotText>;

impl Rendered {
    /// The manifests as `helm template` prints them and a release record keeps them, without
    /// hooks.
    pub fn manifest_text(&self, include_crds: bool) -> Result<String, NotText> {
        self.manifests_with(include_crds, |crd| crd.text().map(Cow::Borrowed))
    }

    /// The standard output of `helm template` as text, which definitions and documents have to be.
    pub fn to_template_output(&self, options: &OutputOptions) -> Result<String, OutputError> {
        self.output_with(options, |crd| crd.text().map(Cow::Borrowed))
    }

    /// The standard output of `helm template`, byte by byte.
    pub fn to_template_bytes(&self, options: &OutputOptions) -> Result<Vec<u8>, OutputError> {
        let has_bytes = options.include_crds && self.crds.iter().any(|crd| crd.text().is_err());
        if !has_bytes && self.stand_ins.is_empty() {
            return Ok(self.to_template_output(options)?.into_bytes());
        }
        let text = self.output_with(options, Crd::text_with_stand_ins)?;
        Ok(bytes_of(&text).into_owned())
    }

    fn output_with(&self, options: &OutputOptions, read: ReadCrd) -> Result<String, OutputError> {
        let mut text = format!("{}\n", self.manifests_with(options.include_crds, read)?.trim());
        if !options.no_hooks {
            for hook in &self.hooks {
                if !(options.skip_tests && hook.is_test()) {
                    push_document(&hook.path, &hook.manifest, &mut text);
                }
            }
        }
        if options.show_only.is_empty() { Ok(text) } else { show_only(&text, &options.show_only) }
    }

    fn manifests_with(&self, include_crds: bool, read: ReadCrd) -> Result<String, NotText> {
        let mut text = String::new();
        if include_crds {
            for crd in &self.crds {
                push_document(&crd.source, &read(crd)?, &mut text);
            }
        }
        for manifest in &self.manifests {
            push_document(&manifest.source, &manifest.text, &mut text);
        }
        Ok(text)
    }
}

fn push_document(source: &str, content: &str, text: &mut String) {
    text.push_str("---\n# Source: ");
    text.push_str(source);
    text.push('\n');
    text.push_str(content);
    text.push('\n');
}

/// The documents whose templates match, in the order of the patterns.
fn show_only(text: &str, patterns: &[String]) -> Result<String, OutputError> {
    let documents = split_manifests(text);
    let mut shown = String::new();
    for pattern in patterns {
        let before = shown.len();
        for document in &documents {
            if source_below_chart(document).is_some_and(|path| path_match(pattern, path).unwrap_or(false)) {
                shown.push_str(&format!("---\n{document}\n"));
            }
        }
        if shown.len() == before {
            return Err(OutputError::NoSuchTemplate { pattern: pattern.clone() });
        }
    }
    Ok(shown)
}

/// The path after the chart's name in the first `# Source:` line that has one.
fn source_below_chart(document: &str) -> Option<&str> {
    document.lines().find_map(|line| {
        let (_, source) = line.split_once("# Source: ")?;
        let (chart, path) = source.split_once('/')?;
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::chart::{Chart, File};
    use crate::render::{RenderOptions, render};

    #[test]
    fn definitions_that_are_no_text_are_handed_on_as_they_are_and_not_printed() {
        let file =
            |name: &str, data: &'static [u8]| File { name: name.to_owned(), data: Bytes::from_static(data) };
        let chart = file("Chart.yaml", b"apiVersion: v2\nname: web\nversion: 0.1.0\n");
        let chart = Chart::from_files(vec![chart, file("crds/a.yaml", b"a: \xff\n")]).expect("a chart");
        let rendered = render(&Arc::new(chart), &RenderOptions::new("web", "default")).expect("a render");
        assert_eq!(&rendered.crds[0].data[..], b"a: \xff\n");
        let printed = |include_crds| {
            rendered.to_template_output(&OutputOptions { include_crds, ..OutputOptions::default() })
        };
        let refused = OutputError::NotText(NotText { file: "web/crds/a.yaml".to_owned() });
        assert_eq!((printed(false), printed(true)), (Ok("\n".to_owned()), Err(refused)));
    }
}
