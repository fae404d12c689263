import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { Actions } from "./Actions";
import { type AppDetail, type AppRef, fetchApp, fetchResource } from "./api";
import { Age, Badge, DriftBadge, FamilyBadge, HealthBadge, RevisionText, SyncBadge } from "./badges";
import { Differences } from "./Differences";
import { kindWord } from "./format";
import { Conditions, Events, History, Why } from "./History";
import { Icon } from "./Icon";
import { useKeys } from "./keyboard";
import { appId, useNarrow, useNow } from "./live";
import { Failed, Waiting } from "./Notice";
import { Tabs } from "./Tabs";
import { useTitle } from "./title";
import { TreeList } from "./TreeList";

// The graph's library is the largest part of the UI; the list needs none of it.
const TreeGraph = lazy(() => import("./TreeGraph"));

const TABS = ["tree", "list", "drift", "history", "why", "conditions", "events"] as const;
type Tab = (typeof TABS)[number];

/** One app: how it stands, what it consists of, what was done, and what can be done. */
export function Application({ at }: { at: { kind: string; namespace: string; name: string } }) {
  const app = at as AppRef;
  const query = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const narrow = useNarrow();
  const wanted = query.get("tab") ?? "";
  const tab = (TABS as readonly string[]).includes(wanted) ? (wanted as Tab) : narrow ? "list" : "tree";
  const found = useQuery({ queryKey: ["app", appId(app)], queryFn: ({ signal }) => fetchApp(app, signal) });
  const show = (next: Tab, text = "") => {
    const q = text === "" ? "" : `&q=${encodeURIComponent(text)}`;
    navigate(`?tab=${next}${q}`, { replace: true });
  };
  useKeys({ u: () => navigate("/") });
  useTitle(app.name);
  const detail = found.data;
  return (
    <div className="screen">
      <nav aria-label="breadcrumb">
        <Link href="/">Applications</Link> / {app.name}
      </nav>
      {found.error && <Failed error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Waiting lines={5} tall />}
      {detail && (
        <>
          <Head detail={detail} />
          <Tabs
            tabs={TABS.map((name) => ({ name, count: count(detail, name) }))}
            open={tab}
            choose={(next) => show(next)}
          />
          <Body detail={detail} tab={tab} text={query.get("q") ?? ""} filter={(text) => show("list", text)} />
        </>
      )}
    </div>
  );
}

function count(detail: AppDetail, tab: Tab): number | undefined {
  const counts: Partial<Record<Tab, number>> = {
    list: detail.tree.nodes.length - 1,
    drift: detail.drift.length,
    history: detail.history.length,
    why: detail.why.length,
    conditions: detail.conditions.length,
  };
  return counts[tab];
}

function Head({ detail }: { detail: AppDetail }) {
  const { summary } = detail;
  const now = useNow();
  const problem = detail.conditions.find((condition) => condition.problem)?.message || summary.message;
  const { repository, path, target } = summary.source;
  return (
    <section className="panel">
      <div className="title">
        <h1>
          <FamilyBadge family={summary.family} kind={kindWord(summary.app)} />
          {summary.app.name}
        </h1>
        <Actions summary={summary} />
      </div>
      <p className="badges">
        <SyncBadge sync={summary.sync} /> <HealthBadge health={summary.health} message={summary.message} />{" "}
        <DriftBadge drift={summary.drift} />
        {summary.suspended && summary.health !== "Suspended" && <Badge icon="pause" tone="calm" word="Suspended" />}
        {summary.operation && <Badge icon="half" tone="busy" word={summary.operation} />}
      </p>
      <p className="sentence">{detail.sentence}</p>
      {problem && (
        <pre className="problem">
          <Icon name="warning" /> {problem}
        </pre>
      )}
      <dl className="facts">
        <Fact name="Revision">
          <RevisionText revision={summary.revision} />
        </Fact>
        <Fact name="Source">
          {repository} {path && <code>{path}</code>} {target && <>at {target}</>}
        </Fact>
        <Fact name={kindWord(summary.app)}>
          in {summary.app.namespace}
          {summary.destination && `, deploys to ${summary.destination}`}
          {summary.project && `, project ${summary.project}`}
        </Fact>
        <Fact name="Changed">
          <Age time={summary.changed} now={now} />
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Body(props: { detail: AppDetail; tab: Tab; text: string; filter: (text: string) => void }) {
  const { detail, text } = props;
  const { app } = detail.summary;
  switch (props.tab) {
    case "tree":
      return (
        <>
          <div className="graph">
            <Suspense fallback={<Waiting lines={4} />}>
              <TreeGraph app={app} tree={detail.tree} />
            </Suspense>
          </div>
          <Hidden detail={detail} />
        </>
      );
    case "list":
      return (
        <>
          <input
            type="search"
            value={text}
            onChange={(event) => props.filter(event.target.value)}
            placeholder="Filter objects"
            aria-label="filter objects"
          />
          <TreeList app={app} tree={detail.tree} text={text} />
          <Hidden detail={detail} />
        </>
      );
    case "drift":
      return <Differences app={app} differences={detail.drift} empty="Every field that Git names is as Git says." />;
    case "history":
      return <History entries={detail.history} />;
    case "why":
      return <Why entries={detail.why} empty="Nothing has happened since this was first noted." />;
    case "conditions":
      return <Conditions conditions={detail.conditions} />;
    case "events":
      return <OwnEvents detail={detail} />;
  }
}

/** What the controllers said of the app; asked for when somebody looks. */
function OwnEvents({ detail: { summary, tree } }: { detail: AppDetail }) {
  const root = tree.nodes[0]?.object;
  const found = useQuery({
    queryKey: ["app", appId(summary.app), "events"],
    queryFn: ({ signal }) => (root ? fetchResource(summary.app, root, signal) : Promise.reject(new Error("no resource"))),
  });
  if (found.error) return <Failed error={found.error} again={() => void found.refetch()} />;
  return found.data ? <Events events={found.data.events} /> : <Waiting lines={3} />;
}

/** What is not shown is counted. */
function Hidden({ detail }: { detail: AppDetail }) {
  const { folded, leftOut } = detail.tree;
  if (folded + leftOut === 0) return null;
  return (
    <p className="faint">
      {folded > 0 && `${folded} old ReplicaSet${folded === 1 ? "" : "s"} folded. `}
      {leftOut > 0 && `${leftOut} objects left out: the tree is too large.`}
    </p>
  );
}
