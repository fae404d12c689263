// What the server sends, and how it is asked. The shapes are those of crates/belay-server.

export type AppKind = "app" | "ks" | "hr";
export type Sync = "Synced" | "OutOfSync" | "Unknown";
export type Health = "Healthy" | "Suspended" | "Progressing" | "Missing" | "Degraded" | "Unknown";

export interface AppRef {
  kind: AppKind;
  namespace: string;
  name: string;
}

export interface ObjectKey {
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

export interface Revision {
  id: string;
  subject: string;
  author: string;
  time: string;
}

export interface AppSummary {
  app: AppRef;
  family: "argo" | "flux";
  project: string;
  destination: string;
  source: { repository: string; path: string; target: string };
  revision: Revision | null;
  sync: Sync;
  health: Health;
  message: string;
  drift: number;
  suspended: boolean;
  automated: boolean;
  operation: string;
  objects: number;
  labels: Record<string, string>;
  changed: string;
}

export interface AppList {
  items: AppSummary[];
  matching: number;
  total: number;
  facets: Partial<Record<string, Record<string, number>>>;
}

export interface TreeNode {
  id: string;
  object: ObjectKey;
  managed: boolean;
  sync: Sync | null;
  health: Health | null;
  message: string;
  created: string;
  info: string[];
}

export interface Edge {
  from: string;
  to: string;
}

export interface Tree {
  nodes: TreeNode[];
  edges: Edge[];
  folded: number;
  leftOut: number;
}

export interface FieldDifference {
  object: ObjectKey;
  path: string;
  desired: unknown;
  live: unknown;
  manager: string;
  time: string;
  user: string;
}

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  time: string;
  problem: boolean;
}

export interface AppDetail {
  summary: AppSummary;
  sentence: string;
  tree: Tree;
  history: { revision: Revision; time: string; outcome: string; initiator: string }[];
  why: { time: string; revision: string; cause: string; decision: string }[];
  conditions: Condition[];
  drift: FieldDifference[];
}

export interface ResourceDetail {
  node: TreeNode;
  desired: unknown;
  live: unknown;
  differences: FieldDifference[];
  managers: { name: string; operation: string; subresource: string; time: string }[];
  owners: ObjectKey[];
  events: { type: string; reason: string; message: string; source: string; count: number; time: string }[];
  why: AppDetail["why"];
}

export type Action =
  | { action: "sync"; prune: boolean; dryRun: boolean }
  | { action: "refresh" }
  | { action: "suspend"; suspend: boolean };

export interface Preview {
  effect: string;
  steps: string[];
  destructive: boolean;
  refused: string;
}

const BASE = "/api/belay/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function appUrl(app: AppRef): string {
  return `${BASE}/apps/${[app.kind, app.namespace, app.name].map(encodeURIComponent).join("/")}`;
}

export function fetchApps(query: URLSearchParams, signal?: AbortSignal): Promise<AppList> {
  return ask(`${BASE}/apps?${query}`, { signal });
}

export function fetchApp(app: AppRef, signal?: AbortSignal): Promise<AppDetail> {
  return ask(appUrl(app), { signal });
}

export function fetchResource(app: AppRef, key: ObjectKey, signal?: AbortSignal): Promise<ResourceDetail> {
  return ask(`${appUrl(app)}/resource?${new URLSearchParams({ ...key })}`, { signal });
}

export function fetchPreview(app: AppRef, action: Action): Promise<Preview> {
  const query = new URLSearchParams({ action: action.action });
  if (action.action === "sync") {
    query.set("prune", String(action.prune));
    query.set("dryRun", String(action.dryRun));
  } else if (action.action === "suspend" && !action.suspend) {
    query.set("action", "resume");
  }
  return ask(`${appUrl(app)}/preview?${query}`, {});
}

export function act(app: AppRef, action: Action): Promise<{ message: string }> {
  const headers = { "content-type": "application/json", "x-belay-token": token() };
  return ask(`${appUrl(app)}/actions`, { method: "POST", headers, body: JSON.stringify(action) });
}

export const streamUrl = `${BASE}/stream`;

async function ask<T>(url: string, request: RequestInit): Promise<T> {
  const response = await fetch(url, request);
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const told = (body as { error?: string } | null)?.error;
    throw new ApiError(response.status, told ?? `the server answered ${response.status}`);
  }
  return body as T;
}

const TOKEN = "belay-token";

/** Takes the token out of the printed address, so that it is neither bookmarked nor shared. */
export function keepToken(): void {
  const url = new URL(location.href);
  const hash = new URLSearchParams(url.hash.slice(1));
  const found = hash.get("token") ?? url.searchParams.get("token");
  if (found === null) {
    return;
  }
  sessionStorage.setItem(TOKEN, found);
  url.searchParams.delete("token");
  url.hash = "";
  history.replaceState(null, "", url);
}

export function token(): string {
  return sessionStorage.getItem(TOKEN) ?? "";
}
