import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { createColumnHelper, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { type AppSummary, fetchApps } from "./api";
import { Age, DriftBadge, FamilyBadge, HealthBadge, RevisionText, SyncBadge } from "./badges";
import { type Filters, FACETS, nextSort, readFilters, toggle, writeFilters } from "./filters";
import { appPath, kindWord } from "./format";
import { useKeys } from "./keyboard";
import { appId, useNow } from "./live";

const PAGE = 200;
const ROW_HEIGHT = 56;

/** All apps of both families. */
export function Applications() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filters = useMemo(() => readFilters(search), [search]);
  const set = (next: Filters) => {
    const query = writeFilters(next).toString();
    navigate(query === "" ? "/" : `/?${query}`, { replace: true });
  };
  const apps = useInfiniteQuery({
    queryKey: ["apps", writeFilters(filters).toString()],
    queryFn: ({ pageParam, signal }) => {
      const query = writeFilters(filters);
      query.set("offset", String(pageParam));
      query.set("limit", String(PAGE));
      return fetchApps(query, signal);
    },
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const seen = pages.reduce((count, page) => count + page.items.length, 0);
      return seen < last.matching ? seen : undefined;
    },
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => apps.data?.pages.flatMap((page) => page.items) ?? [], [apps.data]);
  const first = apps.data?.pages[0];
  return (
    <div className="screen">
      <Search filters={filters} set={set} />
      <Facets filters={filters} set={set} facets={first?.facets ?? {}} />
      <p className="count" role="status">
        {first ? `${first.matching} of ${first.total} applications` : "loading…"}
        {search !== "" && (
          <button type="button" className="link" onClick={() => set(readFilters(""))}>
            clear filters
          </button>
        )}
      </p>
      {apps.error && <p className="notice bad">{apps.error.message}</p>}
      {first?.total === 0 && (
        <p className="notice">There are no applications yet. Apply an Application, a Kustomization or a HelmRelease.</p>
      )}
      <Table rows={rows} filters={filters} set={set} more={() => apps.hasNextPage && void apps.fetchNextPage()} />
    </div>
  );
}

function Search({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filters.q);
  useEffect(() => setText(filters.q), [filters.q]);
  useEffect(() => {
    if (text === filters.q) return;
    const timer = setTimeout(() => set({ ...filters, q: text }), 80);
    return () => clearTimeout(timer);
  });
  useKeys({
    "/": (event) => {
      event.preventDefault();
      field.current?.focus();
    },
    Escape: () => field.current?.blur(),
  });
  return (
    <input
      ref={field}
      type="search"
      value={text}
      onChange={(event) => setText(event.target.value)}
      placeholder="Search: name, repository, commit, ns:team, kind:hr   ( / )"
      aria-label="search applications"
    />
  );
}

function Facets(props: {
  filters: Filters;
  set: (filters: Filters) => void;
  facets: Partial<Record<string, Record<string, number>>>;
}) {
  const { filters, set } = props;
  return (
    <div className="facets">
      {FACETS.map((facet) => {
        const counts = props.facets[facet] ?? {};
        const values = [...new Set([...Object.keys(counts), ...filters.facets[facet]])].sort();
        if (values.length < 2 && filters.facets[facet].length === 0) return null;
        return (
          <details key={facet} className="facet">
            <summary className={filters.facets[facet].length > 0 ? "set" : ""}>
              {facet}
              {filters.facets[facet].length > 0 && `: ${filters.facets[facet].join(", ")}`}
            </summary>
            <div className="choices">
              {values.map((value) => (
                <label key={value}>
                  <input
                    type="checkbox"
                    checked={filters.facets[facet].includes(value)}
                    onChange={() =>
                      set({ ...filters, facets: { ...filters.facets, [facet]: toggle(filters.facets[facet], value) } })
                    }
                  />
                  {value} <span className="faint">{counts[value] ?? 0}</span>
                </label>
              ))}
            </div>
          </details>
        );
      })}
      {["drifted", "suspended", "running"].map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={filters.only.includes(state)}
          onClick={() => set({ ...filters, only: toggle(filters.only, state) })}
        >
          {state}
        </button>
      ))}
    </div>
  );
}

const column = createColumnHelper<AppSummary>();
const COLUMNS = [
  column.accessor((row) => row.app.name, {
    id: "name",
    header: "Name",
    cell: ({ row: { original } }) => (
      <span className="name">
        <FamilyBadge family={original.family} kind={kindWord(original.app)} />
        <Link href={appPath(original.app)}>{original.app.name}</Link>
        <span className="faint">
          {" "}
          {original.app.kind} · {original.app.namespace}
          {original.suspended && " · ⏸ suspended"}
        </span>
      </span>
    ),
  }),
  column.accessor("sync", { header: "Sync", cell: ({ getValue }) => <SyncBadge sync={getValue()} /> }),
  column.accessor("health", {
    header: "Health",
    cell: ({ row: { original } }) => <HealthBadge health={original.health} message={original.message} />,
  }),
  column.accessor("drift", { header: "Drift", cell: ({ getValue }) => <DriftBadge drift={getValue()} /> }),
  column.accessor("revision", {
    header: "Revision",
    enableSorting: false,
    cell: ({ row: { original } }) =>
      original.message !== "" ? (
        <span className="message" title={original.message}>
          {original.message}
        </span>
      ) : (
        <RevisionText revision={original.revision} />
      ),
  }),
  column.accessor("changed", {
    header: "Changed",
    cell: ({ getValue, table }) => <Age time={getValue()} now={(table.options.meta as { now: number }).now} />,
  }),
];

function Table(props: {
  rows: AppSummary[];
  filters: Filters;
  set: (filters: Filters) => void;
  more: () => void;
}) {
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
  return (
    <div className="table" role="table" aria-rowcount={model.length}>
      <div className="row head" role="row">
        {table.getFlatHeaders().map((header) => {
          const sorted = filters.sort.replace("-", "") === header.id;
          const direction = filters.sort.startsWith("-") ? "descending" : "ascending";
          return (
            <span key={header.id} role="columnheader" aria-sort={sorted ? direction : undefined}>
              {header.column.columnDef.enableSorting === false ? (
                flexRender(header.column.columnDef.header, header.getContext())
              ) : (
                <button type="button" className="link" onClick={() => set({ ...filters, sort: nextSort(filters.sort, header.id) })}>
                  {flexRender(header.column.columnDef.header, header.getContext())}
                  {sorted && (direction === "descending" ? " ▼" : " ▲")}
                </button>
              )}
            </span>
          );
        })}
      </div>
      <div ref={list} className="rows" style={{ height: virtual.getTotalSize() }}>
        {shown.map((item) => {
          const row = model[item.index];
          if (!row) return null;
          const top = item.start - virtual.options.scrollMargin;
          return (
            <div
              key={row.id}
              ref={virtual.measureElement}
              data-index={item.index}
              data-app={row.id}
              className={item.index === current ? "row current" : "row"}
              role="row"
              style={{ transform: `translateY(${top}px)` }}
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
