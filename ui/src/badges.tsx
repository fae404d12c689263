import type { Health, Sync } from "./api";
import { ago, shortRevision } from "./format";
import type { Revision } from "./api";

// Colour is never the only sign: each state has its own shape and word.
const HEALTH: Record<Health, [icon: string, tone: string]> = {
  Healthy: ["♥", "good"],
  Progressing: ["◐", "busy"],
  Degraded: ["✖", "bad"],
  Suspended: ["⏸", "calm"],
  Missing: ["◌", "warn"],
  Unknown: ["?", "calm"],
};

const SYNC: Record<Sync, [icon: string, word: string, tone: string]> = {
  Synced: ["✔", "Synced", "good"],
  OutOfSync: ["⇅", "Out of sync", "warn"],
  Unknown: ["?", "Unknown", "calm"],
};

export function HealthBadge({ health, message }: { health: Health; message?: string }) {
  const [icon, tone] = HEALTH[health];
  return (
    <span className={`badge ${tone}`} title={message || health}>
      <span aria-hidden="true">{icon}</span> {health}
    </span>
  );
}

export function SyncBadge({ sync }: { sync: Sync }) {
  const [icon, word, tone] = SYNC[sync];
  return (
    <span className={`badge ${tone}`}>
      <span aria-hidden="true">{icon}</span> {word}
    </span>
  );
}

export function DriftBadge({ drift }: { drift: number }) {
  if (drift === 0) return null;
  return (
    <span className="badge warn" title="fields that were changed in the cluster">
      <span aria-hidden="true">✎</span> {drift} {drift === 1 ? "field" : "fields"}
    </span>
  );
}

export function FamilyBadge({ family, kind }: { family: "argo" | "flux"; kind: string }) {
  return (
    <span className={`family ${family}`} title={kind}>
      {family === "argo" ? "Argo" : "Flux"}
    </span>
  );
}

export function RevisionText({ revision }: { revision: Revision | null }) {
  if (!revision) return <span className="faint">no revision</span>;
  return (
    <span className="revision" title={`${revision.id}\n${revision.subject}\n${revision.author} ${revision.time}`}>
      <code>{shortRevision(revision.id)}</code> {revision.subject}
      {revision.author && <span className="faint"> · {revision.author}</span>}
    </span>
  );
}

export function Age({ time, now }: { time: string; now: number }) {
  return (
    <time dateTime={time} title={time}>
      {ago(time, now)}
    </time>
  );
}
