import { Link } from "wouter";
import type { AppRef, Tree } from "./api";
import { HealthBadge, SyncBadge } from "./badges";
import { appOf, appPath, resourcePath } from "./format";
import { ordered } from "./tree";

/** The tree as an indented list: for many objects, narrow screens and screen readers. */
export function TreeList({ app, tree, text }: { app: AppRef; tree: Tree; text: string }) {
  const wanted = text.toLowerCase();
  const rows = ordered(tree).filter(({ node }) => `${node.object.kind}/${node.object.name}`.toLowerCase().includes(wanted));
  if (rows.length === 0) return <p className="notice">No object is called that.</p>;
  return (
    <ul className="items objects">
      {rows.map(({ node, depth }) => {
        const inner = depth > 0 ? appOf(node.object) : null;
        return (
          <li key={node.id} style={{ paddingLeft: `${0.8 + depth * 1.1}rem` }}>
            <span className="what">
              <span className="faint kind">{node.object.kind}</span>{" "}
              <Link href={inner ? appPath(inner) : resourcePath(app, node.object)}>{node.object.name}</Link>{" "}
              <span className="faint">{node.info.join(" · ")}</span>
            </span>
            <span className="marks">
              {node.sync && <SyncBadge sync={node.sync} />} {node.health && <HealthBadge health={node.health} message={node.message} />}
            </span>
            {node.message !== "" && node.health !== "Healthy" && <span className="faint why">{node.message}</span>}
          </li>
        );
      })}
    </ul>
  );
}
