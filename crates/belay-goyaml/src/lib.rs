//! YAML and JSON read and written exactly as Go programs do.
//!
//! Kubernetes tools are written in Go, and what a manifest means to them is what Go's libraries
//! make of it: `yes` is a boolean, `010` is eight, floats lose their fraction on the way through
//! JSON, keys come out in natural order. This crate follows three libraries to the byte:
//!
//! | Go | here |
//! |---|---|
//! | `sigs.k8s.io/yaml` (on yaml.v2) | [`to_json`], [`to_json_strict`], [`marshal`], [`to_yaml`] |
//! | `go.yaml.in/yaml/v3` | [`ParseOptions::resolution`] V3, [`Node::to_json`], [`to_yaml_v3`] |
//! | `encoding/json` | [`to_go_json`], [`to_go_json_indent`], [`format_json_float`] |
//! | `k8s.io/apimachinery/pkg/util/yaml` | [`split_documents`] |
//!
//! They take text; [`text_from_bytes`] makes it from a file, UTF-16 included.
//!
//! [`parse`] keeps places, styles, anchors and (on request) comments, for edits that leave every
//! other byte alone. [`read_editable`] and [`write_editable`] take a text through a `yaml.Node`
//! as Go programs do that change it, which keeps comments and styles, and lays the rest out anew.
//!
//! ```text
//! text ── scanner ── composer ── nodes ── decode ── JSON value ── emitter ── text
//! ```
//!
//! Hostile input: depth, documents and bytes are limited by [`ParseOptions`], aliases are shared
//! and expanded under Go's own ratio, and every step takes linear time. Only [`with_depth`] lets
//! texts through that are as deep as Go's own limit.

mod characters;
mod composer;
mod decode;
mod depth;
mod emitter;
mod encoding;
mod error;
mod json;
mod key_order;
mod node;
mod resolve;
mod rewrite;
mod scanner;
mod split;

pub use composer::parse;
pub use decode::{node_to_json, to_json, to_json_strict, to_json_with};
pub use depth::{depth_of_thread, with_depth};
pub use emitter::{marshal, to_yaml, to_yaml_v3};
pub use encoding::text_from_bytes;
pub use error::Error;
pub use json::{format_float, format_float32, format_json_float, to_go_json, to_go_json_indent};
pub use node::{Alias, Comment, Content, Document, Node, ParseOptions, Resolution, Style};
pub use resolve::is_text_unquoted;
pub use rewrite::{EditableContent, EditableDocument, EditableNode, read_editable, write_editable};
pub use split::{split_documents, try_split_documents};
