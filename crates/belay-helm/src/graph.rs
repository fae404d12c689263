//! Charts while a release is rendered: names change by alias, dependencies are dropped, values are
//! imported. The loaded [`Chart`]s stay as they are.
//!
//! Charts are numbered, and each knows its parent, as Helm's point to theirs. Metadata is shared
//! between the copies an alias makes, again as Helm's.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use belay_gotemplate::Map;

use crate::chart::{Chart, Metadata};
use crate::values::convert;

/// A chart in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChartId(usize);

/// Charts within charts without end would come from one chart that is listed many times.
const MAX_CHARTS: usize = 10_000;

/// Aliases multiply the charts beyond reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("aliases make more than {MAX_CHARTS} charts")]
pub struct TooManyCharts;

#[derive(Clone)]
struct Node {
    chart: Arc<Chart>,
    metadata: Rc<RefCell<Metadata>>,
    values: Map,
    parent: Option<ChartId>,
    dependencies: Vec<ChartId>,
}

/// The root chart and everything below it.
pub(crate) struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    pub(crate) const ROOT: ChartId = ChartId(0);

    pub(crate) fn new(chart: &Arc<Chart>) -> Graph {
        let mut graph = Graph { nodes: Vec::new() };
        graph.add(chart, None);
        graph
    }

    fn add(&mut self, chart: &Arc<Chart>, parent: Option<ChartId>) -> ChartId {
        let id = ChartId(self.nodes.len());
        self.nodes.push(Node {
            chart: chart.clone(),
            metadata: Rc::new(RefCell::new(chart.metadata.clone())),
            values: convert::map_to_template(&chart.values),
            parent,
            dependencies: Vec::new(),
        });
        let dependencies = chart.dependencies.iter().map(|subchart| self.add(subchart, Some(id))).collect();
        self.nodes[id.0].dependencies = dependencies;
        id
    }

    fn node(&self, id: ChartId) -> &Node {
        &self.nodes[id.0]
    }

    pub(crate) fn chart(&self, id: ChartId) -> &Arc<Chart> {
        &self.node(id).chart
    }

    pub(crate) fn metadata(&self, id: ChartId) -> &Rc<RefCell<Metadata>> {
        &self.node(id).metadata
    }

    pub(crate) fn name(&self, id: ChartId) -> String {
        self.node(id).metadata.borrow().name.clone()
    }

    pub(crate) fn values(&self, id: ChartId) -> &Map {
        &self.node(id).values
    }

    pub(crate) fn set_values(&mut self, id: ChartId, values: Map) {
        self.nodes[id.0].values = values;
    }

    pub(crate) fn dependencies(&self, id: ChartId) -> &[ChartId] {
        &self.node(id).dependencies
    }

    pub(crate) fn is_root(&self, id: ChartId) -> bool {
        self.node(id).parent.is_none()
    }

    /// Replaces the dependencies, whose parent this chart becomes.
    pub(crate) fn set_dependencies(&mut self, id: ChartId, dependencies: Vec<ChartId>) {
        for dependency in &dependencies {
            self.nodes[dependency.0].parent = Some(id);
        }
        self.nodes[id.0].dependencies = dependencies;
    }

    /// A copy of a chart for one use of it: its own metadata and dependencies, of which only the
    /// first level is copied.
    pub(crate) fn copy_for_use(&mut self, id: ChartId) -> Result<ChartId, TooManyCharts> {
        let metadata = Rc::new(RefCell::new(self.node(id).metadata.borrow().clone()));
        let node = Node { metadata, ..self.node(id).clone() };
        let copy = self.push(node)?;
        let mut dependencies = Vec::new();
        for dependency in self.dependencies(id).to_vec() {
            dependencies.push(self.push(self.node(dependency).clone())?);
        }
        self.set_dependencies(copy, dependencies);
        Ok(copy)
    }

    fn push(&mut self, node: Node) -> Result<ChartId, TooManyCharts> {
        if self.nodes.len() >= MAX_CHARTS {
            return Err(TooManyCharts);
        }
        self.nodes.push(node);
        Ok(ChartId(self.nodes.len() - 1))
    }

    /// The path of the chart from the root chart's name on: `root/charts/sub`.
    pub(crate) fn full_path(&self, id: ChartId) -> String {
        let mut names = vec![self.name(id)];
        let mut parent = self.node(id).parent;
        while let Some(id) = parent {
            names.push(self.name(id));
            parent = self.node(id).parent;
        }
        names.reverse();
        names.join("/charts/")
    }
}
