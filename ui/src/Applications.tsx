import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { fetchApps } from "./api";
import { AppTable } from "./AppTable";
import { Facets, States } from "./Facets";
import { type Filters, readFilters, writeFilters } from "./filters";
import { useKeys } from "./keyboard";
import { Failed, Nothing, Waiting } from "./Notice";
import { useTitle } from "./title";

const PAGE = 200;

/** All apps of both families. */
export function Applications() {
  useTitle("");
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
  const isFiltered = writeFilters({ ...filters, sort: "" }).size > 0;
  const clear = (
    <button type="button" className="link accent" onClick={() => set({ ...readFilters(""), sort: filters.sort })}>
      clear filters
    </button>
  );
  return (
    <div className="screen">
      <h1 className="hidden">Applications</h1>
      <States filters={filters} set={set} facets={first?.facets ?? {}} />
      <div className="bar">
        <Search filters={filters} set={set} />
        <Facets filters={filters} set={set} facets={first?.facets ?? {}} />
      </div>
      {apps.error && <Failed error={apps.error} again={() => void apps.refetch()} />}
      <p className="count" role="status">
        {first && `${first.matching} of ${first.total} applications`} {isFiltered && clear}
      </p>
      {apps.isPending && <Waiting lines={8} tall />}
      {first?.total === 0 && (
        <Nothing>
          <h2>There are no applications yet</h2>
          <p>Apply an Application, a Kustomization or a HelmRelease; it appears here by itself.</p>
          <pre>kubectl apply -f my-application.yaml</pre>
        </Nothing>
      )}
      {first && first.total > 0 && first.matching === 0 && <Nothing>No application matches. {clear}</Nothing>}
      {rows.length > 0 && (
        <AppTable rows={rows} filters={filters} set={set} more={() => apps.hasNextPage && void apps.fetchNextPage()} />
      )}
    </div>
  );
}

function Search({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filters.q);
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef(filters);
  useEffect(() => {
    latest.current = filters;
  }, [filters]);
  // A link or a button changed the filters: what was being typed is over.
  useEffect(() => {
    clearTimeout(pending.current);
    setText(filters.q);
  }, [filters.q]);
  useEffect(() => () => clearTimeout(pending.current), []);
  const type = (next: string) => {
    setText(next);
    clearTimeout(pending.current);
    pending.current = setTimeout(() => set({ ...latest.current, q: next }), 80);
  };
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
      onChange={(event) => type(event.target.value)}
      placeholder="Search  /   name, commit, ns:team, kind:hr"
      aria-label="search applications"
    />
  );
}
