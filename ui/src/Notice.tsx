// What a screen says while it waits, when it failed, and when there is nothing.

import type { ReactNode } from "react";
import { ApiError } from "./api";
import { Icon } from "./Icon";

export function Failed({ error, again }: { error: Error; again: () => void }) {
  const unreachable = !(error instanceof ApiError);
  return (
    <div className="notice problem" role="alert">
      <p>
        <Icon name="warning" /> {unreachable ? "Belay cannot be reached." : error.message}
      </p>
      {unreachable && <p className="faint">It may have been stopped. What is shown below is what was last known.</p>}
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

/** Holds the place of what is on its way, so that nothing jumps when it comes. */
export function Waiting({ lines, tall }: { lines: number; tall?: boolean }) {
  return (
    <div className={tall ? "waiting tall" : "waiting"} role="status" aria-label="loading">
      {Array.from({ length: lines }, (_, place) => (
        <span key={place} className="bar" style={{ width: `${70 - ((place * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Nothing({ children }: { children: ReactNode }) {
  return <div className="notice nothing">{children}</div>;
}
