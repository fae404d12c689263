import dagre from "@dagrejs/dagre";
import { Controls, Handle, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useMemo } from "react";
import { Link } from "wouter";
import type { AppRef, Tree, TreeNode } from "./api";
import { HEALTH, HealthBadge, SyncBadge } from "./badges";
import { appOf, appPath, resourcePath } from "./format";
import { type Group, grouped } from "./tree";

const WIDTH = 216;
const HEIGHT = 72;

type ObjectNode = Node<{ node: TreeNode; app: AppRef; root: boolean }, "object">;
type GroupNode = Node<{ group: Group; app: AppRef }, "many">;
const NODE_TYPES = { object: ObjectCard, many: GroupCard };

/** The tree as a graph, owners left of what they own. */
export default function TreeGraph({ app, tree }: { app: AppRef; tree: Tree }) {
  const { nodes, edges } = useMemo(() => layOut(app, tree), [app, tree]);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      fitView
      fitViewOptions={{ maxZoom: 1, minZoom: 0.4, padding: 0.06 }}
      minZoom={0.1}
      onlyRenderVisibleElements
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      nodesFocusable={false}
      preventScrolling={false}
      zoomOnScroll={false}
    >
      <Controls showInteractive={false} />
    </ReactFlow>
  );
}

function layOut(app: AppRef, tree: Tree) {
  const drawn = grouped(tree);
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: "LR", nodesep: 12, ranksep: 52 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of [...drawn.nodes, ...drawn.groups]) graph.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const { from, to } of drawn.edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const place = (id: string) => {
    const { x, y } = graph.node(id);
    return { id, position: { x: x - WIDTH / 2, y: y - HEIGHT / 2 }, width: WIDTH, height: HEIGHT };
  };
  const nodes: (ObjectNode | GroupNode)[] = [
    ...drawn.nodes.map((node, at): ObjectNode => ({ ...place(node.id), type: "object", data: { node, app, root: at === 0 } })),
    ...drawn.groups.map((group): GroupNode => ({ ...place(group.id), type: "many", data: { group, app } })),
  ];
  const edges = drawn.edges.map(({ from, to }) => ({ id: `${from}>${to}`, source: from, target: to }));
  return { nodes, edges };
}

function ObjectCard({ data: { node, app, root } }: NodeProps<ObjectNode>) {
  const inner = root ? null : appOf(node.object);
  const tone = node.health ? HEALTH[node.health][1] : "calm";
  return (
    <div className={`card edge-${tone} ${root ? "root" : ""}`} data-object={`${node.object.kind}/${node.object.name}`}>
      <Handle type="target" position={Position.Left} />
      <div className="faint line">
        {node.object.kind}
        {node.info.length > 0 && ` · ${node.info.join(" · ")}`}
      </div>
      <Link href={inner ? appPath(inner) : resourcePath(app, node.object)} className="nodrag line" title={node.object.name}>
        {node.object.name}
      </Link>
      <div className="marks">
        {node.sync && <SyncBadge sync={node.sync} />}
        {node.health && <HealthBadge health={node.health} message={node.message} />}
      </div>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

function GroupCard({ data: { group, app } }: NodeProps<GroupNode>) {
  return (
    <div className="card group edge-good">
      <Handle type="target" position={Position.Left} />
      <div className="faint line">{group.kind}</div>
      <Link href={`${appPath(app)}?tab=list&q=${encodeURIComponent(group.kind)}`} className="nodrag line">
        {group.count} {group.kind}s
      </Link>
      <div className="marks">
        <HealthBadge health="Healthy" message="all of them are healthy" />
      </div>
    </div>
  );
}
