//! Nodes know where they stand, so that an edit can replace a value and nothing else.

use belay_goyaml::{Content, ParseOptions, Style, parse};

const TEXT: &str = "\
# top
image: &tag !!str \"nginx:1.0\" # {\"$imagepolicy\": \"x:y\"}
list:
- é: 'a'
- [b, c]
copy: *tag
---
second: |
  x
";

fn options() -> ParseOptions {
    ParseOptions { comments: true, ..ParseOptions::default() }
}

#[test]
fn scalars_have_spans_with_and_without_properties() {
    let documents = parse(TEXT, &options()).expect("valid");
    let image = documents[0].root.get("image").expect("image");
    assert_eq!(&TEXT[image.span()], "&tag !!str \"nginx:1.0\"");
    assert_eq!(&TEXT[image.value_span()], "\"nginx:1.0\"");
    assert_eq!((image.line, image.column), (2, 8));
    assert_eq!(image.style, Style::DoubleQuoted);
    assert_eq!(image.tag(), Some("tag:yaml.org,2002:str"));
    assert_eq!(image.anchor(), Some("tag"));
    assert_eq!(documents[0].root.get("copy").and_then(|node| node.as_str()), Some("nginx:1.0"));
}

#[test]
fn collections_have_spans() {
    let documents = parse(TEXT, &options()).expect("valid");
    let list = documents[0].root.get("list").expect("list");
    assert_eq!(&TEXT[list.span()], "- é: 'a'\n- [b, c]");
    let items = list.items().expect("a sequence");
    assert_eq!(&TEXT[items[1].span()], "[b, c]");
    let (_, value) = &items[0].entries().expect("a mapping")[0];
    assert_eq!((value.line, value.column, &TEXT[value.span()]), (4, 6, "'a'"));
    assert!(matches!(items[1].content, Content::Sequence(_)));
}

#[test]
fn comments_and_documents_are_kept() {
    let documents = parse(TEXT, &options()).expect("valid");
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[1].line, 7);
    let texts: Vec<&str> = documents[0].comments.iter().map(|comment| &TEXT[comment.span.clone()]).collect();
    assert_eq!(texts, ["# top", "# {\"$imagepolicy\": \"x:y\"}"]);
    assert_eq!(documents[1].root.get("second").and_then(|node| node.as_str()), Some("x\n"));
}

#[test]
fn replacing_a_span_leaves_every_other_byte() {
    let documents = parse(TEXT, &options()).expect("valid");
    let image = documents[0].root.get("image").expect("image");
    let mut edited = TEXT.to_owned();
    edited.replace_range(image.value_span(), "\"nginx:2.0\"");
    assert_eq!(edited, TEXT.replace("1.0", "2.0"));
}

#[test]
fn errors_have_the_true_place_and_go_s_text() {
    let error = parse("a: 1\nb: c: d\n", &options()).expect_err("invalid");
    assert_eq!((error.line, error.column), (2, 5));
    assert_eq!(error.to_string(), "yaml: line 2: mapping values are not allowed in this context");
    // Go counts one line less for errors of grammar.
    let error = parse("a: 1\nb: [1\nc: 2\n", &options()).expect_err("invalid");
    assert_eq!(error.to_string(), "yaml: line 2: did not find expected ',' or ']'");
}
