import { diffLines } from "diff";
import { Link } from "wouter";
import type { AppRef, FieldDifference } from "./api";
import { Age } from "./badges";
import { resourcePath, valueText, yaml } from "./format";
import { Icon } from "./Icon";
import { useNow } from "./live";

/** Only the fields that differ, with who set them. */
export function Differences(props: { app: AppRef; differences: FieldDifference[]; empty: string; inObject?: boolean }) {
  const now = useNow();
  if (props.differences.length === 0) {
    return (
      <p className="notice">
        <span className="good">
          <Icon name="check" />
        </span>{" "}
        {props.empty}
      </p>
    );
  }
  return (
    <ul className="items differences">
      {props.differences.map((difference) => (
        <li key={`${JSON.stringify(difference.object)}${difference.path}`}>
          <div className="field">
            {!props.inObject && (
              <Link href={resourcePath(props.app, difference.object)}>
                {difference.object.kind}/{difference.object.name}
              </Link>
            )}
            <code className="path">{difference.path}</code>
            <span className="faint owner">
              {difference.manager === "" ? (
                "nobody is known to have set it"
              ) : (
                <>
                  set by <b>{difference.manager}</b>
                  {difference.user !== "" && <>, by <b>{difference.user}</b> (audit),</>} <Age time={difference.time} now={now} />
                </>
              )}
            </span>
          </div>
          <Values difference={difference} />
        </li>
      ))}
    </ul>
  );
}

function Values({ difference: { desired, live } }: { difference: FieldDifference }) {
  const isShort = (value: unknown) => typeof value !== "object" && !String(value).includes("\n");
  if (!isShort(desired ?? "") || !isShort(live ?? "")) {
    return <Lines desired={desired} live={live} />;
  }
  return (
    <pre className="lines">
      <span className="line added">{`Git  │ ${valueText(desired)}`}</span>
      <span className="line removed">{`live │ ${valueText(live)}`}</span>
    </pre>
  );
}

/** Lines around a change that are shown. */
const CONTEXT = 3;

/** Two values line by line; what is the same is folded, and counted. */
export function Lines({ desired, live }: { desired: unknown; live: unknown }) {
  const parts = diffLines(lines(desired), lines(live));
  return (
    <pre className="lines">
      {parts.map((part, place) => {
        const found = part.value.replace(/\n$/, "").split("\n");
        const key = `${place}-${found[0]}`;
        if (part.added || part.removed) {
          const [mark, tone] = part.added ? ["live", "removed"] : ["Git ", "added"];
          return found.map((line, at) => <span key={`${key}-${at}`} className={`line ${tone}`}>{`${mark} │ ${line}`}</span>);
        }
        const before = place === 0 ? 0 : CONTEXT;
        const after = place === parts.length - 1 ? 0 : CONTEXT;
        const hidden = found.length - before - after;
        const shown = hidden > 1 ? [...found.slice(0, before), `⋯ ${hidden} same lines`, ...found.slice(found.length - after)] : found;
        return shown.map((line, at) => <span key={`${key}-${at}`} className="line">{`     │ ${line}`}</span>);
      })}
    </pre>
  );
}

function lines(value: unknown): string {
  if (value === null || value === undefined) return "";
  return `${typeof value === "string" ? value : yaml(value)}\n`;
}
