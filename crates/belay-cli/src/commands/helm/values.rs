//! The flags that give values to a chart, shared by the commands.

use std::fs;
use std::io::Read;
use std::path::Path;

use belay_helm::{Values, ValuesFlags};

use super::http::Access;
use crate::failure::Original;

/// Where values come from.
#[derive(clap::Args)]
pub(super) struct ValuesArguments {
    /// Files of values.
    #[arg(short = 'f', long, value_delimiter = ',')]
    values: Vec<String>,
    /// Values as `key=value`.
    #[arg(long, allow_hyphen_values = true)]
    set: Vec<String>,
    /// Values that stay texts.
    #[arg(long, allow_hyphen_values = true)]
    set_string: Vec<String>,
    /// Values as JSON.
    #[arg(long, allow_hyphen_values = true)]
    set_json: Vec<String>,
    /// One value, taken as it stands.
    #[arg(long, allow_hyphen_values = true)]
    set_literal: Vec<String>,
    /// Values that are the text of a file.
    #[arg(long, allow_hyphen_values = true)]
    set_file: Vec<String>,
}

impl ValuesArguments {
    /// The flags as the renderer takes them.
    pub(super) fn flags(&self) -> ValuesFlags {
        ValuesFlags {
            files: self.values.clone(),
            set_json: self.set_json.clone(),
            set: self.set.clone(),
            set_string: self.set_string.clone(),
            set_file: self.set_file.clone(),
            set_literal: self.set_literal.clone(),
            takes_bytes: true,
        }
    }

    /// The files that the flags name.
    pub(super) fn read_files(&self) -> Vec<&str> {
        let of_flags = self.set_file.iter().flat_map(|text| text.split(','));
        let of_flags = of_flags.filter_map(|text| text.split_once('=').map(|(_, file)| file));
        self.values.iter().map(String::as_str).chain(of_flags).collect()
    }

    /// All of them, merged in Helm's order.
    pub(super) fn merge(&self) -> Result<Values, Original> {
        self.flags().merge(&read).map_err(|error| Original::of(&error))
    }
}

/// A file of values as text, if it can be read.
pub(super) fn read_text(file: &str) -> Result<String, String> {
    String::from_utf8(read(file)?).map_err(|error| error.to_string())
}

/// A file of values, what an address leads to, or standard input for `-`.
fn read(file: &str) -> Result<Vec<u8>, String> {
    if file.trim() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        return read.map(|_| bytes).map_err(|error| error.to_string());
    }
    match file.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
        Some("http" | "https") => Access::default().get(file, "").map_err(|error| error.to_string()),
        Some("oci") => Err(format!("reading {file} is not supported: OCI registries are not supported yet")),
        _ => fs::read(file).map_err(|error| Original::failed("open", Path::new(file), &error).to_string()),
    }
}
