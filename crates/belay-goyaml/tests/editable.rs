//! Texts are read into nodes, changed and written, as programs on yaml.v3 do it.

use std::time::{Duration, Instant};

use belay_goyaml::{EditableContent, EditableNode, ParseOptions, Style, read_editable, write_editable};
use serde_json::json;

const TEXT: &str = "\
# The document's.

# The first entry's.
port: 8080   # for people
name: 'it'
list:
    - a # the item's
    # the next item's
    - b
# the end
";

fn root(text: &str) -> EditableNode {
    let document = read_editable(text, &ParseOptions::default()).expect("valid");
    document.root.expect("a document")
}

fn edited(text: &str, edit: impl FnOnce(&mut EditableNode)) -> String {
    let mut document = read_editable(text, &ParseOptions::default()).expect("valid");
    edit(document.root.as_mut().expect("a document"));
    write_editable(&document).expect("writable")
}

#[test]
fn nodes_know_tags_styles_and_comments() {
    let document = read_editable(TEXT, &ParseOptions::default()).expect("valid");
    assert_eq!(document.head_comment, "# The document's.");
    let root = document.root.expect("a document");
    let (key, port) = &root.entries().expect("a mapping")[0];
    assert_eq!(key.head_comment, "# The first entry's.");
    assert_eq!((port.tag.as_str(), port.line_comment.as_str()), ("!!int", "# for people"));
    assert_eq!(
        root.get("name").map(|name| (name.style, name.tag.as_str())),
        Some((Style::SingleQuoted, "!!str"))
    );
    let items = root.get("list").and_then(EditableNode::items).expect("items");
    assert_eq!(items[1].head_comment, "# the next item's");
    let (last, _) = root.entries().and_then(<[_]>::last).expect("an entry");
    assert_eq!(last.foot_comment, "# the end");
    assert_eq!(root.get("nothing"), None);
}

#[test]
fn a_set_text_keeps_tag_style_and_comment() {
    let text = edited(TEXT, |root| {
        assert!(root.get_mut("port").expect("port").set_scalar("9090"));
        assert!(root.get_mut("name").expect("name").set_scalar("it's"));
        let items = root.get_mut("list").and_then(EditableNode::items_mut).expect("items");
        assert!(items[0].set_scalar("true"));
        assert!(!root.set_scalar("x"));
    });
    assert_eq!(
        text,
        "# The document's.\n\n# The first entry's.\nport: 9090 # for people\nname: 'it''s'\nlist:\n\
         - \"true\" # the item's\n# the next item's\n- b\n# the end\n"
    );
}

#[test]
fn new_nodes_go_behind_the_others() {
    let text = edited("a: {}\nb:\n- 1\n", |root| {
        let key = EditableNode::scalar("5");
        let value = EditableNode::scalar("5").with_tag("!!str");
        assert!(root.get_mut("a").expect("a").insert(key, value).is_some());
        assert!(root.get_mut("b").expect("b").push(EditableNode::scalar("x: y")).is_some());
        assert!(root.push(EditableNode::sequence(Vec::new())).is_none());
        let made = EditableNode::from(&json!({ "n": null, "l": [1, 1.5, "1", true, "two\nlines"], "m": {} }));
        root.insert(EditableNode::scalar("c"), made);
    });
    let made =
        "c:\n  n: null\n  l:\n  - 1\n  - 1.5\n  - \"1\"\n  - true\n  - |-\n    two\n    lines\n  m: {}\n";
    assert_eq!(text, format!("a: {{5: \"5\"}}\nb:\n- 1\n- 'x: y'\n{made}"));
}

#[test]
fn a_text_without_a_document_is_written_as_null() {
    for text in ["", "# nothing but this\n"] {
        let document = read_editable(text, &ParseOptions::default()).expect("valid");
        assert_eq!(document.root, None);
        assert_eq!(write_editable(&document).as_deref(), Ok("null\n"));
    }
}

#[test]
fn anchors_that_are_none_are_errors() {
    let error = |node: EditableNode| {
        let mut document = read_editable("a", &ParseOptions::default()).expect("valid");
        document.root = Some(node);
        write_editable(&document).expect_err("refused").to_string()
    };
    let anchored = EditableNode { anchor: Some("a b".to_owned()), ..EditableNode::scalar("x") };
    assert_eq!(error(anchored), "yaml: anchor value must contain alphanumerical characters only");
    let alias = EditableNode::from(EditableContent::Alias(String::new()));
    assert_eq!(error(alias), "yaml: alias value must not be empty");
}

#[test]
fn an_alias_is_not_what_it_stands_for() {
    let root = root("a: &a {b: 1}\nc: *a\n");
    assert_eq!(root.get("c").map(|node| &node.content), Some(&EditableContent::Alias("a".to_owned())));
    assert_eq!(root.get("c").and_then(|node| node.get("b")), None);
    assert_eq!(root.get("a").and_then(|node| node.anchor.as_deref()), Some("a"));
}

#[test]
fn bad_r3_hostile_comments_take_linear_time() {
    let start = Instant::now();
    let feet: String = (0..20_000).map(|number| format!("{}# c\n\n", " ".repeat(number % 7))).collect();
    let texts = [
        "# c\n".repeat(200_000),
        format!("a: 1\n{}", "\n".repeat(400_000)),
        format!("{}\n{feet}", "- ".repeat(250) + "a"),
        format!("a:\n  - b\n{feet}c: 1\n"),
        format!("[\n{feet}]"),
        "a: # c\n".repeat(50_000),
        format!("a: 1{}# c\n", " ".repeat(400_000)),
        format!("a:{}\n", " \n# c\n".repeat(100_000)),
        "- # c\n".repeat(100_000),
    ];
    for text in texts {
        if let Ok(document) = read_editable(&text, &ParseOptions::default()) {
            write_editable(&document).expect("writable");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(8), "took {:?}", start.elapsed());
}
