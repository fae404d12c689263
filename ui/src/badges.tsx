import type { Health, Revision, Sync } from "./api";
import { ago, personName, shortRevision } from "./format";
import { Icon, type IconName } from "./Icon";

export type Tone = "good" | "busy" | "bad" | "warn" | "calm";

// Colour is never the only sign: each state has its own shape and word.
export const HEALTH: Record<Health, [icon: IconName, tone: Tone]> = {
  Healthy: ["heart", "good"],
  Progressing: ["half", "busy"],
  Degraded: ["broken", "bad"],
  Suspended: ["pause", "calm"],
  Missing: ["dashed", "warn"],
  Unknown: ["question", "calm"],
};

export const SYNC: Record<Sync, [icon: IconName, word: string, tone: Tone]> = {
  Synced: ["check", "Synced", "good"],
  OutOfSync: ["arrows", "Out of sync", "warn"],
  Unknown: ["question", "Unknown", "calm"],
};

export function Badge(props: { icon: IconName; tone: Tone; word: string; title?: string }) {
  return (
    <span className={`badge ${props.tone}`} title={props.title}>
      <Icon name={props.icon} /> {props.word}
    </span>
  );
}

export function HealthBadge({ health, message }: { health: Health; message?: string }) {
  const [icon, tone] = HEALTH[health];
  return <Badge icon={icon} tone={tone} word={health} title={message || `health: ${health}`} />;
}

export function SyncBadge({ sync }: { sync: Sync }) {
  const [icon, word, tone] = SYNC[sync];
  return <Badge icon={icon} tone={tone} word={word} title={`sync: ${word}`} />;
}

export function DriftBadge({ drift }: { drift: number }) {
  if (drift === 0) return null;
  const word = `${drift} ${drift === 1 ? "field" : "fields"}`;
  return <Badge icon="pencil" tone="warn" word={word} title="fields that were changed in the cluster" />;
}

export function FamilyBadge({ family, kind }: { family: "argo" | "flux"; kind: string }) {
  return (
    <span className={`family ${family}`} title={kind}>
      {family === "argo" ? "Argo" : "Flux"}
    </span>
  );
}

export function RevisionText({ revision }: { revision: Revision | null }) {
  if (!revision) return <span className="faint">no revision yet</span>;
  return (
    <span className="revision" title={`${revision.id}\n${revision.subject}\n${revision.author} ${revision.time}`}>
      <code>{shortRevision(revision.id)}</code> <span className="subject">{revision.subject}</span>
      {revision.author && <span className="faint author"> {personName(revision.author)}</span>}
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
