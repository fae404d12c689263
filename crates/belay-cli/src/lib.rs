//! The command line: one command, one file.
//!
//! Every command is a struct of arguments, whose doc comment is the help text, and a function that
//! carries it out. Exit codes: 0 ok, 1 error, 2 usage, 3 not found. `kustomize` and `helm` take the place of other
//! programs and end as those do: with 1, whatever is wrong.

mod arguments;
mod artifacts;
mod commands;
mod commits;
mod deep;
mod definitions;
mod demo;
mod disk_tree;
mod engine;
mod failure;
mod inert;
mod logs;
mod memory;
mod original_flags;
mod pages;
mod recorded;
mod render_folder;
mod replica;
mod traces;
mod usage;
mod wanted;
mod web;
mod written;

use std::process::ExitCode;

pub use pages::small_pages_at_first;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match arguments::typed() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(&error),
    };
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(failure::report(&error)),
    }
}
