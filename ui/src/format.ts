// Words and numbers for people.

import type { AppRef, ObjectKey } from "./api";

/** `3f2a1b9c`, or a chart's version as it is. */
export function shortRevision(id: string): string {
  return /^[0-9a-f]{40,64}$/.test(id) ? id.slice(0, 8) : id;
}

/** `Ada Lovelace` of `Ada Lovelace <ada@example.com>`. */
export function personName(author: string): string {
  return author.replace(/\s*<[^>]*>$/, "") || author;
}

/** `5 min ago`; the exact time belongs into the title beside it. */
export function ago(time: string, now: number): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) {
    return "";
  }
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  const steps: [number, string][] = [
    [60, "s"],
    [60, "min"],
    [24, "h"],
    [Number.POSITIVE_INFINITY, "d"],
  ];
  let value = seconds;
  for (const [size, unit] of steps) {
    if (value < size) {
      return `${value} ${unit} ago`;
    }
    value = Math.floor(value / size);
  }
  return "";
}

/** A field's value in one line. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) {
    return "—";
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function kindWord(app: AppRef): string {
  return { app: "Application", ks: "Kustomization", hr: "HelmRelease" }[app.kind];
}

export function appPath(app: AppRef): string {
  return `/apps/${[app.kind, app.namespace, app.name].map(encodeURIComponent).join("/")}`;
}

export function resourcePath(app: AppRef, key: ObjectKey): string {
  return `${appPath(app)}/resource?${new URLSearchParams({ ...key })}`;
}

/** The app that an object is, if it is one. */
export function appOf(key: ObjectKey): AppRef | null {
  const kinds: Record<string, AppRef["kind"]> = {
    "argoproj.io/Application": "app",
    "kustomize.toolkit.fluxcd.io/Kustomization": "ks",
    "helm.toolkit.fluxcd.io/HelmRelease": "hr",
  };
  const kind = kinds[`${key.group}/${key.kind}`];
  return kind ? { kind, namespace: key.namespace, name: key.name } : null;
}

/** What the API server adds to every object by itself; Git never says it. */
const SERVER_SET = ["uid", "resourceVersion", "generation", "creationTimestamp", "selfLink"];

/** A live object without what no repository could say. */
export function comparable(object: unknown): unknown {
  if (object === null || typeof object !== "object") return object;
  const { status: _, metadata, ...rest } = object as Record<string, unknown>;
  const kept = Object.entries((metadata ?? {}) as Record<string, unknown>).filter(([name]) => !SERVER_SET.includes(name));
  // In the order in which manifests are written.
  const { apiVersion, kind, ...body } = rest;
  return { apiVersion, kind, metadata: Object.fromEntries(kept), ...body };
}

/** JSON as the YAML a person reads: enough for showing, not for reading back. */
export function yaml(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return value.map((item) => `${indent}- ${nested(item, `${indent}  `, true)}`).join("\n");
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    return entries.map(([name, item]) => `${indent}${name}:${field(item, indent)}`).join("\n");
  }
  return scalar(value);
}

function field(item: unknown, indent: string): string {
  if (isEmpty(item) || item === null || typeof item !== "object") {
    return ` ${block(item, indent)}`;
  }
  return `\n${yaml(item, Array.isArray(item) ? indent : `${indent}  `)}`;
}

function nested(item: unknown, indent: string, first: boolean): string {
  if (isEmpty(item) || item === null || typeof item !== "object") {
    return block(item, indent);
  }
  const text = yaml(item, indent);
  return first ? text.slice(indent.length) : text;
}

function block(item: unknown, indent: string): string {
  if (typeof item === "string" && item.includes("\n")) {
    const lines = item.replace(/\n$/, "").split("\n");
    return `|${item.endsWith("\n") ? "" : "-"}\n${lines.map((line) => `${indent}  ${line}`).join("\n")}`;
  }
  return yaml(item, indent);
}

function isEmpty(item: unknown): boolean {
  return item !== null && typeof item === "object" && Object.keys(item).length === 0;
}

function scalar(value: unknown): string {
  if (typeof value !== "string") {
    return JSON.stringify(value) ?? "null";
  }
  const plain = /^[A-Za-z_/.][\w ./@:+=()-]*$/.test(value) && !/: |:$|^(true|false|null|yes|no|on|off)$/i.test(value);
  return plain && value.trim() === value ? value : JSON.stringify(value);
}
