//! Flux's GitRepository and Kustomization, carried out.

mod build;
mod files;
mod inventory;
