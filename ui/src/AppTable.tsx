import { createColumnHelper, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import type { AppSummary } from "./api";
import { Age, Badge, DriftBadge, FamilyBadge, HealthBadge, RevisionText, SyncBadge } from "./badges";
import { type Filters, nextSort } from "./filters";
import { appPath, kindWord } from "./format";
import { Icon } from "./Icon";
import { useKeys } from "./keyboard";
import { appId, useNow } from "./live";

const ROW_HEIGHT = 50;

const column = createColumnHelper<AppSummary>();
const COLUMNS = [
  column.accessor((row) => row.app.name, { id: "name", header: "Application", cell: ({ row }) => <Name row={row.original} /> }),
  column.accessor("sync", {
    header: "Sync",
    cell: ({ row: { original } }) =>
      original.operation === "" ? <SyncBadge sync={original.sync} /> : <Badge icon="half" tone="busy" word={original.operation === "Deleting" ? "Deleting" : "Syncing"} title={original.operation} />,
  }),
  column.accessor("health", {
    header: "Health",
    cell: ({ row: { original } }) => <HealthBadge health={original.health} message={original.message} />,
  }),
  column.accessor("drift", { header: "Drift", cell: ({ getValue }) => <DriftBadge drift={getValue()} /> }),
  column.accessor("revision", {
    header: "Revision",
    enableSorting: false,
    cell: ({ row: { original } }) => (
      <>
        <RevisionText revision={original.revision} />
        {original.message !== "" && (
          <span className="message" title={original.message}>
            <Icon name="warning" /> {original.message}
          </span>
        )}
      </>
    ),
  }),
  column.accessor("changed", {
    header: "Changed",
    cell: ({ getValue, table }) => <Age time={getValue()} now={(table.options.meta as { now: number }).now} />,
  }),
];

function Name({ row }: { row: AppSummary }) {
  const goesTo = row.destination !== "" && row.destination !== row.app.namespace;
  return (
    <>
      <span className="name">
        <FamilyBadge family={row.family} kind={kindWord(row.app)} />
        <Link href={appPath(row.app)}>{row.app.name}</Link>
        {row.suspended && <Badge icon="pause" tone="calm" word="suspended" />}
      </span>
      <span className="faint where">
        {kindWord(row.app)} · {row.app.namespace}
        {goesTo && ` → ${row.destination}`}
      </span>
    </>
  );
}

/** The rows that the window shows, out of as many as there are. */
export function AppTable(props: { rows: AppSummary[]; filters: Filters; set: (filters: Filters) => void; more: () => void }) {
  const { rows, filters, set } = props;
  const now = useNow();
  const [, navigate] = useLocation();
  const [current, setCurrent] = useState(-1);
  const list = useRef<HTMLDivElement>(null);
  const table = useReactTable({
    data: rows,
    columns: COLUMNS,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (row) => appId(row.app),
    meta: { now },
  });
  const model = table.getRowModel().rows;
  const virtual = useWindowVirtualizer({
    count: model.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: list.current?.offsetTop ?? 0,
    getItemKey: (index) => model[index]?.id ?? index,
    // On a narrow screen a row is a card of several lines.
    measureElement: (element) => element.getBoundingClientRect().height,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= model.length - 20) props.more();
  });
  const move = (step: number) => {
    const next = Math.min(Math.max(current + step, 0), model.length - 1);
    setCurrent(next);
    if (next >= 0) virtual.scrollToIndex(next);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const row = rows[current];
      if (row) navigate(appPath(row.app));
    },
  });
  const headers = table.getFlatHeaders();
  return (
    <div className="table" role="table" aria-label="applications" aria-rowcount={model.length}>
      <div className="row head" role="row">
        {headers.map(({ id, column: { columnDef }, getContext }) => {
          const sorted = filters.sort.replace("-", "") === id;
          const direction = filters.sort.startsWith("-") ? "descending" : "ascending";
          const title = flexRender(columnDef.header, getContext());
          return (
            <span key={id} role="columnheader" aria-sort={sorted ? direction : undefined} className={`cell-${id}`}>
              {columnDef.enableSorting === false ? (
                title
              ) : (
                <button type="button" className="link" onClick={() => set({ ...filters, sort: nextSort(filters.sort, id) })}>
                  {title}
                  {sorted && (direction === "descending" ? " ↓" : " ↑")}
                </button>
              )}
            </span>
          );
        })}
      </div>
      <div ref={list} className="rows" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {shown.map((item) => {
          const row = model[item.index];
          if (!row) return null;
          const top = item.start - virtual.options.scrollMargin;
          return (
            // The keyboard has j, k and Enter, and the link.
            <div
              key={row.id}
              ref={virtual.measureElement}
              data-index={item.index}
              data-app={row.id}
              className={item.index === current ? "row current" : "row"}
              role="row"
              style={{ transform: `translateY(${top}px)` }}
              onClick={(event) => {
                const onText = (getSelection()?.toString() ?? "") !== "";
                if (!onText && !(event.target as Element).closest("a, button")) navigate(appPath(row.original.app));
              }}
            >
              {row.getVisibleCells().map((cell) => (
                <span key={cell.id} role="cell" className={`cell-${cell.column.id}`}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
