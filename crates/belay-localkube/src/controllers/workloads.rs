//! The workload simulator.

use std::time::Duration;

use super::Changes;
use crate::cluster::State;

/// Plays the kubelet and the workload controllers.
#[derive(Debug, Default)]
pub(super) struct Simulator {}

impl Simulator {
    pub(super) fn step(&mut self, _state: &mut State, _changes: &Changes) -> Option<Duration> {
        None
    }
}
