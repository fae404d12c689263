import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { Actions } from "./Actions";
import { type AppDetail, type AppRef, fetchApp } from "./api";
import { Age, DriftBadge, FamilyBadge, HealthBadge, RevisionText, SyncBadge } from "./badges";
import { Differences } from "./Differences";
import { kindWord } from "./format";
import { useKeys } from "./keyboard";
import { appId, useNow } from "./live";
import { TreeList } from "./TreeList";

// The graph's library is the largest part of the UI; the list needs none of it.
const TreeGraph = lazy(() => import("./TreeGraph"));

const TABS = ["tree", "list", "drift", "history", "conditions"] as const;
type Tab = (typeof TABS)[number];

export function Application({ at }: { at: { kind: string; namespace: string; name: string } }) {
  const app = at as AppRef;
  const query = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const tab = (TABS as readonly string[]).includes(query.get("tab") ?? "") ? (query.get("tab") as Tab) : "tree";
  const found = useQuery({ queryKey: ["app", appId(app)], queryFn: ({ signal }) => fetchApp(app, signal) });
  useKeys({ u: () => navigate("/") });
  const open = (next: Tab) => navigate(`?tab=${next}`, { replace: true });
  return (
    <div className="screen">
      <nav aria-label="breadcrumb">
        <Link href="/">Applications</Link> / {app.name}
      </nav>
      {found.error && <p className="notice bad">{found.error.message}</p>}
      {found.isPending && <p className="notice">loading…</p>}
      {found.data && (
        <>
          <Head detail={found.data} />
          <div className="tabs" role="tablist">
            {TABS.map((name) => (
              <button key={name} type="button" role="tab" aria-selected={tab === name} onClick={() => open(name)}>
                {name} {count(found.data, name)}
              </button>
            ))}
          </div>
          <Body detail={found.data} tab={tab} />
        </>
      )}
    </div>
  );
}

function count(detail: AppDetail, tab: Tab): string {
  const counts: Partial<Record<Tab, number>> = {
    list: detail.tree.nodes.length - 1,
    drift: detail.drift.length,
    history: detail.history.length,
    conditions: detail.conditions.length,
  };
  return counts[tab] === undefined ? "" : String(counts[tab]);
}

function Head({ detail }: { detail: AppDetail }) {
  const { summary } = detail;
  const problem = detail.conditions.find((condition) => condition.problem)?.message ?? summary.message;
  return (
    <section className="panel">
      <h1>
        <FamilyBadge family={summary.family} kind={kindWord(summary.app)} /> {summary.app.name}
        <span className="faint"> {kindWord(summary.app)} in {summary.app.namespace}</span>
      </h1>
      <p className="badges">
        <SyncBadge sync={summary.sync} /> <HealthBadge health={summary.health} message={summary.message} />{" "}
        <DriftBadge drift={summary.drift} />
        {summary.suspended && <span className="badge calm">⏸ Suspended</span>}
        {summary.operation && <span className="badge busy">◐ {summary.operation}</span>}
      </p>
      <p className="sentence">{detail.sentence}</p>
      {problem && <pre className="problem">{problem}</pre>}
      <p>
        <RevisionText revision={summary.revision} />
      </p>
      <p className="faint source">
        {summary.source.repository} {summary.source.path} {summary.source.target && `@ ${summary.source.target}`}
      </p>
      <Actions summary={summary} />
    </section>
  );
}

function Body({ detail, tab }: { detail: AppDetail; tab: Tab }) {
  const now = useNow();
  const [text, setText] = useState("");
  const { app } = detail.summary;
  switch (tab) {
    case "tree":
      return (
        <Suspense fallback={<p className="notice">loading…</p>}>
          <TreeGraph app={app} tree={detail.tree} />
          <Hidden detail={detail} />
        </Suspense>
      );
    case "list":
      return (
        <>
          <input type="search" value={text} onChange={(event) => setText(event.target.value)} placeholder="Filter objects" aria-label="filter objects" />
          <TreeList app={app} tree={detail.tree} text={text} />
          <Hidden detail={detail} />
        </>
      );
    case "drift":
      return <Differences app={app} differences={detail.drift} empty="Every field that Git names is as Git says." />;
    case "history":
      return (
        <ol className="history">
          {detail.history.map((entry, place) => (
            <li key={`${entry.time}-${place}`}>
              <RevisionText revision={entry.revision} /> <span className="badge calm">{entry.outcome}</span>{" "}
              <span className="faint">{entry.initiator}</span> <Age time={entry.time} now={now} />
            </li>
          ))}
        </ol>
      );
    case "conditions":
      return (
        <ul className="history">
          {detail.conditions.map((condition) => (
            <li key={condition.type} className={condition.problem ? "bad" : ""}>
              <b>
                {condition.problem ? "✖" : "·"} {condition.type}
              </b>{" "}
              {condition.status} {condition.reason} <Age time={condition.time} now={now} />
              <pre>{condition.message}</pre>
            </li>
          ))}
        </ul>
      );
  }
}

/** What is not shown is counted. */
function Hidden({ detail }: { detail: AppDetail }) {
  const { folded, leftOut } = detail.tree;
  return (
    <p className="faint">
      {folded > 0 && `${folded} old ReplicaSets folded. `}
      {leftOut > 0 && `${leftOut} objects left out: the tree is too large.`}
    </p>
  );
}
