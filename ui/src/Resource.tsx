import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useSearch } from "wouter";
import { type AppRef, fetchResource, type ObjectKey, type ResourceDetail } from "./api";
import { Age, HealthBadge, SyncBadge } from "./badges";
import { Differences, Lines } from "./Differences";
import { appPath, comparable, resourcePath, yaml } from "./format";
import { Events, Why } from "./History";
import { useKeys } from "./keyboard";
import { appId, useNow } from "./live";
import { Failed, Waiting } from "./Notice";
import { Tabs } from "./Tabs";
import { useTitle } from "./title";

const TABS = ["diff", "live", "desired", "compare", "owners", "why", "events"] as const;
type Tab = (typeof TABS)[number];

/** One object: what Git says, what the cluster has, and who made the difference. */
export function Resource({ at }: { at: { kind: string; namespace: string; name: string } }) {
  const app = at as AppRef;
  const query = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const text = (name: string) => query.get(name) ?? "";
  const key: ObjectKey = { group: text("group"), kind: text("kind"), namespace: text("namespace"), name: text("name") };
  const found = useQuery({
    // Below the app's key: a change of the app is a change of its objects.
    queryKey: ["app", appId(app), key],
    queryFn: ({ signal }) => fetchResource(app, key, signal),
  });
  const detail = found.data;
  const wanted = text("tab");
  const tab = (TABS as readonly string[]).includes(wanted) ? (wanted as Tab) : detail?.node.managed === false ? "live" : "diff";
  useKeys({ u: () => navigate(appPath(app)) });
  useTitle(`${key.kind} ${key.name}`);
  return (
    <div className="screen">
      <nav aria-label="breadcrumb">
        <Link href="/">Applications</Link> / <Link href={appPath(app)}>{app.name}</Link> / {key.kind} {key.name}
      </nav>
      {found.error && <Failed error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Waiting lines={5} tall />}
      {detail && (
        <>
          <Head detail={detail} />
          <Tabs
            tabs={TABS.map((name) => ({ name, count: count(detail, name) }))}
            open={tab}
            choose={(name) => navigate(`${resourcePath(app, key)}&tab=${name}`, { replace: true })}
          />
          <Body app={app} detail={detail} tab={tab} />
        </>
      )}
    </div>
  );
}

function Head({ detail: { node, owners } }: { detail: ResourceDetail }) {
  const now = useNow();
  return (
    <section className="panel">
      <h1>
        <span className="faint kind">{node.object.kind}</span> {node.object.name}
      </h1>
      <p className="badges">
        {node.sync && <SyncBadge sync={node.sync} />} {node.health && <HealthBadge health={node.health} message={node.message} />}
        <span className="faint">{node.info.join(" · ")}</span>
      </p>
      {node.message && <p>{node.message}</p>}
      <p className="faint">
        {node.object.namespace ? `in ${node.object.namespace}` : "of the whole cluster"}
        {!node.managed && owners[0] && `, owned by ${owners[0].kind} ${owners[0].name}`}
        {node.created !== "" && (
          <>
            , created <Age time={node.created} now={now} />
          </>
        )}
      </p>
    </section>
  );
}

function count(detail: ResourceDetail, tab: Tab): number | undefined {
  if (tab === "diff") return detail.differences.length;
  if (tab === "owners") return detail.managers.length;
  if (tab === "why") return detail.why.length;
  return tab === "events" ? detail.events.length : undefined;
}

function Body({ app, detail, tab }: { app: AppRef; detail: ResourceDetail; tab: Tab }) {
  const { desired, live, node } = detail;
  const notLive = <p className="notice">It is not in the cluster.</p>;
  const notDesired = (
    <p className="notice">
      {node.managed
        ? "What Git says of it is not known yet: it is known after the app's next look at its source."
        : "Git does not name it; the object that owns it does."}
    </p>
  );
  switch (tab) {
    case "diff":
      if (desired === null) return notDesired;
      if (live === null) return notLive;
      return <Differences app={app} differences={detail.differences} empty="No field differs." inObject />;
    case "live":
      return live === null ? notLive : <Manifest value={live} />;
    case "desired":
      return desired === null ? notDesired : <Manifest value={desired} />;
    case "compare":
      if (desired === null) return notDesired;
      return live === null ? notLive : <Lines desired={comparable(desired)} live={comparable(live)} />;
    case "owners":
      return <Owners app={app} detail={detail} />;
    case "why":
      return <Why entries={detail.why} empty="Nobody has changed it since this was first noted." />;
    case "events":
      return <Events events={detail.events} />;
  }
}

function Manifest({ value }: { value: unknown }) {
  const text = yaml(value);
  return (
    <div className="manifest">
      <button type="button" className="copy" onClick={() => void navigator.clipboard?.writeText(text)}>
        copy
      </button>
      <pre>{text}</pre>
    </div>
  );
}

function Owners({ app, detail }: { app: AppRef; detail: ResourceDetail }) {
  const now = useNow();
  if (detail.owners.length + detail.managers.length === 0) return <p className="notice">Nobody is known to own it.</p>;
  return (
    <ul className="items">
      {detail.owners.map((owner) => (
        <li key={`${owner.kind}/${owner.name}`}>
          owned by <span className="faint">{owner.kind}</span> <Link href={resourcePath(app, owner)}>{owner.name}</Link>
        </li>
      ))}
      {detail.managers.map((manager) => (
        <li key={`${manager.name}${manager.operation}${manager.subresource}${manager.time}`}>
          fields set by <b>{manager.name}</b>{" "}
          <span className="faint">
            {manager.operation}
            {manager.subresource && ` of ${manager.subresource}`} <Age time={manager.time} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}
