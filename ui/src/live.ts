// The one event stream: what it says goes into the answers that are already here.

import { type InfiniteData, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type AppList, type AppRef, type AppSummary, streamUrl } from "./api";

interface Changes {
  changed: AppSummary[];
  removed: AppRef[];
}

export function appId(app: AppRef): string {
  return `${app.kind}/${app.namespace}/${app.name}`;
}

/** Follows the stream; true while it is connected. */
export function useLive(): boolean {
  const client = useQueryClient();
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    const stream = new EventSource(streamUrl);
    // After a gap everything may have changed.
    const anew = () => void client.invalidateQueries();
    stream.addEventListener("hello", () => {
      setConnected(true);
      anew();
    });
    stream.addEventListener("reset", anew);
    stream.addEventListener("apps", (event) => take(client, JSON.parse(event.data) as Changes));
    stream.addEventListener("error", () => setConnected(false));
    return () => stream.close();
  }, [client]);
  return connected;
}

let listDue: ReturnType<typeof setTimeout> | undefined;

function take(client: QueryClient, changes: Changes): void {
  const changed = new Map(changes.changed.map((row) => [appId(row.app), row]));
  client.setQueriesData<InfiniteData<AppList>>({ queryKey: ["apps"] }, (data) => data && withRows(data, changed));
  for (const app of [...changes.changed.map((row) => row.app), ...changes.removed]) {
    void client.invalidateQueries({ queryKey: ["app", appId(app)] });
  }
  // Order, counts and new rows are the server's; asked for at most once a second.
  listDue ??= setTimeout(() => {
    listDue = undefined;
    void client.invalidateQueries({ queryKey: ["apps"] });
  }, 1000);
}

function withRows(data: InfiniteData<AppList>, changed: Map<string, AppSummary>): InfiniteData<AppList> {
  const items = (page: AppList) => page.items.map((row) => changed.get(appId(row.app)) ?? row);
  return { ...data, pages: data.pages.map((page) => ({ ...page, items: items(page) })) };
}

/** Whether the screen is a phone's. */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => NARROW.matches);
  useEffect(() => {
    const change = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", change);
    return () => NARROW.removeEventListener("change", change);
  }, []);
  return narrow;
}

const NARROW = matchMedia("(max-width: 760px)");

/** The time, every ten seconds: for ages. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
