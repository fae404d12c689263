import { Link } from "wouter";
import type { AppRef, Tree } from "./api";
import { HealthBadge, SyncBadge } from "./badges";
import { resourcePath } from "./format";
import { ordered } from "./tree";

/** The tree as an indented list: for many objects, narrow screens and screen readers. */
export function TreeList({ app, tree, text }: { app: AppRef; tree: Tree; text: string }) {
  const wanted = text.toLowerCase();
  const rows = ordered(tree).filter(({ node }) => `${node.object.kind}/${node.object.name}`.toLowerCase().includes(wanted));
  return (
    <ul className="objects">
      {rows.map(({ node, depth }) => (
        <li key={node.id} style={{ paddingLeft: `${depth * 1.2}rem` }}>
          <Link href={resourcePath(app, node.object)}>
            <b>{node.object.kind}</b> {node.object.name}
          </Link>{" "}
          <span className="faint">{node.info.join(" · ")}</span> {node.sync && <SyncBadge sync={node.sync} />}{" "}
          {node.health && <HealthBadge health={node.health} message={node.message} />}
        </li>
      ))}
    </ul>
  );
}
