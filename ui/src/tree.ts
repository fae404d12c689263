import type { Tree, TreeNode } from "./api";

/** Owners before what they own, with their depth; each node once. */
export function ordered(tree: Tree): { node: TreeNode; depth: number }[] {
  const nodes = new Map(tree.nodes.map((node) => [node.id, node]));
  const children = childrenOf(tree);
  const rows: { node: TreeNode; depth: number }[] = [];
  const open = tree.nodes[0] ? [{ id: tree.nodes[0].id, depth: 0 }] : [];
  for (let next = open.pop(); next; next = open.pop()) {
    const { id, depth } = next;
    const node = nodes.get(id);
    if (!node || !nodes.delete(id)) continue;
    rows.push({ node, depth });
    open.push(...[...(children.get(id) ?? [])].reverse().map((child) => ({ id: child, depth: depth + 1 })));
  }
  return rows;
}

/** Many of a kind below one owner, and nothing to say of any of them. */
export interface Group {
  id: string;
  kind: string;
  count: number;
}

/** What one owner has of a kind is drawn as one from this number on. */
const MANY = 4;

/** The tree with healthy siblings of one kind that own nothing drawn as one. */
export function grouped(tree: Tree): { nodes: TreeNode[]; groups: Group[]; edges: Tree["edges"] } {
  const children = childrenOf(tree);
  const isPlain = (node: TreeNode) => !node.managed && node.health === "Healthy" && !children.has(node.id);
  const plain = new Map(tree.nodes.filter(isPlain).map((node) => [node.id, node]));
  const groups: Group[] = [];
  const gone = new Set<string>();
  for (const [owner, ids] of children) {
    const kinds = new Map<string, string[]>();
    for (const id of ids) {
      const kind = plain.get(id)?.object.kind;
      if (kind) kinds.set(kind, [...(kinds.get(kind) ?? []), id]);
    }
    for (const [kind, members] of kinds) {
      if (members.length < MANY) continue;
      groups.push({ id: `${owner} ${kind}`, kind, count: members.length });
      for (const id of members) gone.add(id);
    }
  }
  return {
    nodes: tree.nodes.filter(({ id }) => !gone.has(id)),
    groups,
    edges: [
      ...tree.edges.filter(({ to }) => !gone.has(to)),
      ...groups.map(({ id, kind }) => ({ from: id.slice(0, -kind.length - 1), to: id })),
    ],
  };
}

function childrenOf(tree: Tree): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const { from, to } of tree.edges) {
    const known = children.get(from);
    if (known) known.push(to);
    else children.set(from, [to]);
  }
  return children;
}
