import { useRef } from "react";
import { useKeys } from "./keyboard";

export interface TabOf<Name extends string> {
  name: Name;
  /** How many things the tab holds; nothing where counting makes no sense. */
  count?: number;
}

/** Tabs that the mouse, the arrow keys and the digits choose. */
export function Tabs<Name extends string>(props: { tabs: TabOf<Name>[]; open: Name; choose: (name: Name) => void }) {
  const { tabs, open, choose } = props;
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ name }) => name === open);
  const step = (by: number) => {
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.name);
    list.current?.querySelectorAll<HTMLButtonElement>("[role=tab]")[tabs.indexOf(next)]?.focus();
  };
  useKeys(Object.fromEntries(tabs.map(({ name }, place) => [String(place + 1), () => choose(name)])));
  return (
    <div
      ref={list}
      className="tabs"
      role="tablist"
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") step(1);
        if (event.key === "ArrowLeft") step(-1);
      }}
    >
      {tabs.map(({ name, count }) => (
        <button key={name} type="button" role="tab" aria-selected={name === open} tabIndex={name === open ? 0 : -1} onClick={() => choose(name)}>
          {name} {count !== undefined && <span className="number">{count}</span>}
        </button>
      ))}
    </div>
  );
}
