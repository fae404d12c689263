//! The commands as a person types them, against an embedded cluster: output, exit codes, and what a
//! running Belay answers.

mod app;
mod canary;
mod disk;
mod evidence;
mod get;
mod install;
mod kustomize;
mod localkube;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod replicas;
mod run;
mod sinks;
mod webhook;
mod world;
