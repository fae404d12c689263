// The list's filters live in the address: a link shows what its sender saw.

export const FACETS = ["family", "health", "sync", "kind", "namespace", "project"] as const;
export type Facet = (typeof FACETS)[number];

export interface Filters {
  q: string;
  sort: string;
  only: string[];
  facets: Record<Facet, string[]>;
}

const SORTS = ["name", "namespace", "sync", "health", "drift", "changed"];

export function readFilters(search: string): Filters {
  const query = new URLSearchParams(search);
  const list = (name: string) => (query.get(name) ?? "").split(",").filter((value) => value !== "");
  const sort = query.get("sort") ?? "";
  const facets = Object.fromEntries(FACETS.map((facet) => [facet, list(facet)])) as Filters["facets"];
  return {
    q: query.get("q") ?? "",
    sort: SORTS.includes(sort.replace(/^-/, "")) ? sort : "",
    only: list("only"),
    facets,
  };
}

/** The query of the address and of the request; what is not set is left out. */
export function writeFilters(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  const set = (name: string, value: string) => value !== "" && query.set(name, value);
  set("q", filters.q);
  for (const facet of FACETS) {
    set(facet, [...filters.facets[facet]].sort().join(","));
  }
  set("only", [...filters.only].sort().join(","));
  set("sort", filters.sort);
  return query;
}

export function toggle(values: string[], value: string): string[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

/** Once up, again down, a third time as it was. */
export function nextSort(sort: string, column: string): string {
  if (sort === column) return `-${column}`;
  return sort === `-${column}` ? "" : column;
}
