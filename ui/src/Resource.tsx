import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useSearch } from "wouter";
import { type AppRef, fetchResource, type ObjectKey, type ResourceDetail } from "./api";
import { Age, HealthBadge, SyncBadge } from "./badges";
import { Differences, Lines } from "./Differences";
import { appPath, resourcePath, yaml } from "./format";
import { useKeys } from "./keyboard";
import { appId, useNow } from "./live";

const TABS = ["diff", "live", "desired", "compare", "owners", "events"] as const;
type Tab = (typeof TABS)[number];

/** One object: what Git says, what the cluster has, and who made the difference. */
export function Resource({ at }: { at: { kind: string; namespace: string; name: string } }) {
  const app = at as AppRef;
  const query = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const text = (name: string) => query.get(name) ?? "";
  const key: ObjectKey = { group: text("group"), kind: text("kind"), namespace: text("namespace"), name: text("name") };
  const tab = (TABS as readonly string[]).includes(text("tab")) ? (text("tab") as Tab) : "diff";
  const found = useQuery({
    // Below the app's key: a change of the app is a change of its objects.
    queryKey: ["app", appId(app), key],
    queryFn: ({ signal }) => fetchResource(app, key, signal),
  });
  useKeys({ u: () => navigate(appPath(app)) });
  return (
    <div className="screen">
      <nav aria-label="breadcrumb">
        <Link href="/">Applications</Link> / <Link href={appPath(app)}>{app.name}</Link> / {key.kind} {key.name}
      </nav>
      {found.error && <p className="notice bad">{found.error.message}</p>}
      {found.isPending && <p className="notice">loading…</p>}
      {found.data && (
        <>
          <section className="panel">
            <h1>
              {key.kind} <b>{key.name}</b> <span className="faint">{key.namespace && `in ${key.namespace}`}</span>
            </h1>
            <p className="badges">
              {found.data.node.sync && <SyncBadge sync={found.data.node.sync} />}{" "}
              {found.data.node.health && <HealthBadge health={found.data.node.health} message={found.data.node.message} />}{" "}
              <span className="faint">{found.data.node.info.join(" · ")}</span>
            </p>
            {found.data.node.message && <p>{found.data.node.message}</p>}
          </section>
          <div className="tabs" role="tablist">
            {TABS.map((name) => (
              <button
                key={name}
                type="button"
                role="tab"
                aria-selected={tab === name}
                onClick={() => navigate(`${resourcePath(app, key)}&tab=${name}`, { replace: true })}
              >
                {name} {count(found.data, name)}
              </button>
            ))}
          </div>
          <Body app={app} detail={found.data} tab={tab} />
        </>
      )}
    </div>
  );
}

function count(detail: ResourceDetail, tab: Tab): string {
  if (tab === "diff") return String(detail.differences.length);
  if (tab === "owners") return String(detail.managers.length);
  return tab === "events" ? String(detail.events.length) : "";
}

function Body({ app, detail, tab }: { app: AppRef; detail: ResourceDetail; tab: Tab }) {
  const now = useNow();
  const absent = <p className="notice">{tab === "live" ? "It is not in the cluster." : "Git does not name it, or what Git says is not known here."}</p>;
  switch (tab) {
    case "diff":
      return detail.desired === null && detail.node.managed ? (
        absent
      ) : (
        <Differences app={app} differences={detail.differences} empty="No field differs." inObject />
      );
    case "live":
      return detail.live === null ? absent : <pre className="manifest">{yaml(detail.live)}</pre>;
    case "desired":
      return detail.desired === null ? absent : <pre className="manifest">{yaml(detail.desired)}</pre>;
    case "compare":
      return detail.desired === null || detail.live === null ? absent : <Lines desired={detail.desired} live={detail.live} />;
    case "owners":
      return (
        <ul className="history">
          {detail.owners.map((owner) => (
            <li key={owner.name}>
              owned by{" "}
              <Link href={resourcePath(app, owner)}>
                {owner.kind}/{owner.name}
              </Link>
            </li>
          ))}
          {detail.managers.map((manager) => (
            <li key={`${manager.name}${manager.operation}${manager.subresource}${manager.time}`}>
              fields set by <b>{manager.name}</b> ({manager.operation}
              {manager.subresource && `, ${manager.subresource}`}) <Age time={manager.time} now={now} />
            </li>
          ))}
        </ul>
      );
    case "events":
      if (detail.events.length === 0) return <p className="notice">No events.</p>;
      return (
        <ul className="history">
          {detail.events.map((event) => (
            <li key={`${event.reason}${event.time}${event.message}`} className={event.type === "Warning" ? "bad" : ""}>
              <b>
                {event.type === "Warning" ? "⚠" : "·"} {event.reason}
              </b>{" "}
              {event.message} <span className="faint">{event.source} {event.count > 1 && `×${event.count}`}</span>{" "}
              <Age time={event.time} now={now} />
            </li>
          ))}
        </ul>
      );
  }
}
