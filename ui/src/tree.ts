import type { Tree, TreeNode } from "./api";

/** Owners before what they own, with their depth; each node once. */
export function ordered(tree: Tree): { node: TreeNode; depth: number }[] {
  const nodes = new Map(tree.nodes.map((node) => [node.id, node]));
  const children = new Map<string, string[]>();
  for (const { from, to } of tree.edges) {
    children.set(from, [...(children.get(from) ?? []), to]);
  }
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
