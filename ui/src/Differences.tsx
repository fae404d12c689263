import { diffLines } from "diff";
import { Link } from "wouter";
import type { AppRef, FieldDifference } from "./api";
import { resourcePath, valueText, yaml } from "./format";

/** Only the fields that differ, with who set them. */
export function Differences(props: { app: AppRef; differences: FieldDifference[]; empty: string; inObject?: boolean }) {
  if (props.differences.length === 0) {
    return <p className="notice">✔ {props.empty}</p>;
  }
  return (
    <ul className="differences">
      {props.differences.map((difference) => (
        <li key={`${JSON.stringify(difference.object)}${difference.path}`}>
          {!props.inObject && (
            <Link href={resourcePath(props.app, difference.object)}>
              {difference.object.kind}/{difference.object.name}
            </Link>
          )}{" "}
          <code className="path">{difference.path}</code>
          <Values difference={difference} />
          <p className="faint">
            {difference.manager === "" ? "nobody is known to have set it" : `set by ${difference.manager}`}
            {difference.time !== "" && ` at ${difference.time}`}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Values({ difference: { desired, live } }: { difference: FieldDifference }) {
  const one = (value: unknown) => typeof value !== "object" && !String(value).includes("\n");
  if (one(desired ?? "") && one(live ?? "")) {
    return (
      <p className="change">
        <span className="added">Git: {valueText(desired)}</span> <span aria-hidden="true">→</span>{" "}
        <span className="removed">live: {valueText(live)}</span>
      </p>
    );
  }
  return <Lines desired={desired} live={live} />;
}

/** Two values line by line; what is the same is folded, and counted. */
export function Lines({ desired, live }: { desired: unknown; live: unknown }) {
  const text = (value: unknown) => (value === null || value === undefined ? "" : `${typeof value === "string" ? value : yaml(value)}\n`);
  const parts = diffLines(text(desired), text(live));
  return (
    <pre className="lines">
      {parts.map((part, place) => {
        const lines = part.value.replace(/\n$/, "").split("\n");
        const key = `${place}-${lines[0]}`;
        if (!part.added && !part.removed && lines.length > 6) {
          const shown = [...lines.slice(0, 2), `⋯ ${lines.length - 4} same lines`, ...lines.slice(-2)];
          return <span key={key}>{shown.map((line) => `     │ ${line}\n`).join("")}</span>;
        }
        const mark = part.added ? "live │ " : part.removed ? "Git  │ " : "     │ ";
        return (
          <span key={key} className={part.added ? "removed" : part.removed ? "added" : ""}>
            {lines.map((line) => `${mark}${line}\n`).join("")}
          </span>
        );
      })}
    </pre>
  );
}
