import type { AppDetail, ResourceDetail } from "./api";
import { Age, Badge, RevisionText } from "./badges";
import { Icon } from "./Icon";
import { useNow } from "./live";

const WENT_WELL = /succeeded|deployed|superseded/i;

/** Past syncs, newest first. */
export function History({ entries }: { entries: AppDetail["history"] }) {
  const now = useNow();
  if (entries.length === 0) return <p className="notice">Nothing was deployed yet.</p>;
  return (
    <ol className="items">
      {entries.map((entry, place) => {
        const good = WENT_WELL.test(entry.outcome);
        return (
          <li key={`${entry.time}-${place}`} className="entry">
            <Badge icon={good ? "check" : "broken"} tone={good ? "good" : "bad"} word={entry.outcome || "unknown"} />
            <RevisionText revision={entry.revision} />
            <span className="faint">{entry.initiator}</span>
            <Age time={entry.time} now={now} />
          </li>
        );
      })}
    </ol>
  );
}

/** What happened to an app, or to one of its objects, and what was decided, newest first. */
export function Why({ entries, empty }: { entries: AppDetail["why"]; empty: string }) {
  const now = useNow();
  if (entries.length === 0) return <p className="notice">{empty}</p>;
  return (
    <ol className="items">
      {entries.map((entry, place) => (
        <li key={`${entry.time}-${place}`}>
          <p>
            {entry.cause} → <b>{entry.decision}</b> <span className="faint">{entry.revision.slice(-40, -28) || entry.revision}</span>{" "}
            <Age time={entry.time} now={now} />
          </p>
        </li>
      ))}
    </ol>
  );
}

/** The conditions of the app's resource, in the family's own words. */
export function Conditions({ conditions }: { conditions: AppDetail["conditions"] }) {
  const now = useNow();
  if (conditions.length === 0) return <p className="notice">No conditions: nothing is amiss.</p>;
  return (
    <ul className="items">
      {conditions.map((condition) => (
        <li key={condition.type}>
          <p className={condition.problem ? "bad" : ""}>
            <Icon name={condition.problem ? "warning" : "dot"} /> <b>{condition.type}</b> {condition.status}{" "}
            <span className="faint">{condition.reason}</span> <Age time={condition.time} now={now} />
          </p>
          <pre>{condition.message}</pre>
        </li>
      ))}
    </ul>
  );
}

/** What controllers said of an object. */
export function Events({ events }: { events: ResourceDetail["events"] }) {
  const now = useNow();
  if (events.length === 0) return <p className="notice">No events.</p>;
  return (
    <ul className="items">
      {events.map((event) => {
        const warns = event.type === "Warning";
        return (
          <li key={`${event.reason}${event.time}${event.message}`} className="event">
            <span className={warns ? "bad" : ""}>
              <Icon name={warns ? "warning" : "dot"} /> <b>{event.reason}</b>
            </span>
            <span className="text">{event.message}</span>
            <span className="faint">
              {event.source} {event.count > 1 && `×${event.count} `}
              <Age time={event.time} now={now} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}
