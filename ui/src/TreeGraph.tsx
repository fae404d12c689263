import dagre from "@dagrejs/dagre";
import { Background, Controls, Handle, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useMemo } from "react";
import { Link } from "wouter";
import type { AppRef, Tree, TreeNode } from "./api";
import { HealthBadge, SyncBadge } from "./badges";
import { appOf, appPath, resourcePath } from "./format";

const WIDTH = 230;
const HEIGHT = 98;

type ObjectNode = Node<{ node: TreeNode; app: AppRef; root: boolean }, "object">;
const NODE_TYPES = { object: ObjectCard };

/** The tree as a graph, owners left of what they own. */
export default function TreeGraph({ app, tree }: { app: AppRef; tree: Tree }) {
  const { nodes, edges } = useMemo(() => layOut(app, tree), [app, tree]);
  return (
    <div className="graph">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        fitView
        fitViewOptions={{ maxZoom: 1, minZoom: 0.5 }}
        minZoom={0.1}
        onlyRenderVisibleElements
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        nodesFocusable={false}
        preventScrolling={false}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function layOut(app: AppRef, tree: Tree) {
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: "LR", nodesep: 14, ranksep: 60 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of tree.nodes) graph.setNode(node.id, { width: WIDTH, height: HEIGHT });
  for (const { from, to } of tree.edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const nodes: ObjectNode[] = tree.nodes.map((node, place) => {
    const { x, y } = graph.node(node.id);
    const position = { x: x - WIDTH / 2, y: y - HEIGHT / 2 };
    return { id: node.id, type: "object", position, width: WIDTH, height: HEIGHT, data: { node, app, root: place === 0 } };
  });
  const edges = tree.edges.map(({ from, to }) => ({ id: `${from}>${to}`, source: from, target: to }));
  return { nodes, edges };
}

function ObjectCard({ data: { node, app, root } }: NodeProps<ObjectNode>) {
  const inner = root ? null : appOf(node.object);
  return (
    <div className={root ? "card root" : "card"} data-object={`${node.object.kind}/${node.object.name}`}>
      <Handle type="target" position={Position.Left} />
      <div className="faint">
        {node.object.kind}
        {!node.managed && " · owned"}
      </div>
      <Link href={inner ? appPath(inner) : resourcePath(app, node.object)} className="nodrag" title={node.object.name}>
        {node.object.name}
      </Link>
      <div className="marks">
        {node.sync && <SyncBadge sync={node.sync} />}
        {node.health && <HealthBadge health={node.health} message={node.message} />}
      </div>
      <div className="faint info">{node.info.join(" · ")}</div>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}
