import { describe, expect, test } from "vitest";
import type { Tree, TreeNode } from "./api";
import { nextSort, readFilters, toggle, writeFilters } from "./filters";
import { ago, appOf, appPath, comparable, personName, resourcePath, shortRevision, valueText, yaml } from "./format";
import { nextTheme } from "./theme";
import { grouped, ordered } from "./tree";

describe("filters in the address", () => {
  test("survive a round trip", () => {
    const search = "q=web+ns%3Ateam&family=argo&health=Degraded%2CHealthy&only=drifted&sort=-drift";
    expect(writeFilters(readFilters(search)).toString()).toBe(search);
  });
  test("nothing set, nothing written; nonsense is dropped", () => {
    expect(writeFilters(readFilters("")).toString()).toBe("");
    expect(writeFilters(readFilters("sort=evil&x=1&family=,,")).toString()).toBe("");
  });
  test("a value is toggled, a column sorts up, down, not", () => {
    expect(toggle(["a"], "b")).toEqual(["a", "b"]);
    expect(toggle(["a", "b"], "a")).toEqual(["b"]);
    expect([nextSort("", "name"), nextSort("name", "name"), nextSort("-name", "name")]).toEqual(["name", "-name", ""]);
  });
});

describe("words", () => {
  test("ages", () => {
    const now = Date.parse("2026-03-02T00:00:00Z");
    const times = ["2026-03-01T23:59:30Z", "2026-03-01T23:50:00Z", "2026-03-01T20:00:00Z", "2026-02-20T00:00:00Z", "2026-03-03T00:00:00Z", ""];
    expect(times.map((time) => ago(time, now))).toEqual(["30 s ago", "10 min ago", "4 h ago", "10 d ago", "0 s ago", ""]);
  });
  test("revisions: commits are short, versions are whole", () => {
    expect(shortRevision("3f2a1b9c0d4e5f60718293a4b5c6d7e8f9012345")).toBe("3f2a1b9c");
    expect(shortRevision("1.8.2+build.12345678901234567890")).toBe("1.8.2+build.12345678901234567890");
  });
  test("people have names", () => {
    expect(["Ada <a@b>", "Ada", "<a@b>"].map(personName)).toEqual(["Ada", "Ada", "<a@b>"]);
  });
  test("values", () => {
    expect([null, 0, "a", ["b"], { c: false }].map(valueText)).toEqual(["—", "0", "a", '["b"]', '{"c":false}']);
  });
});

describe("addresses", () => {
  const app = { kind: "hr", namespace: "team a", name: "x/y" } as const;
  test("are escaped", () => {
    expect(appPath(app)).toBe("/apps/hr/team%20a/x%2Fy");
    const key = { group: "", kind: "Pod", namespace: "n", name: "a&b" };
    expect(resourcePath(app, key)).toBe("/apps/hr/team%20a/x%2Fy/resource?group=&kind=Pod&namespace=n&name=a%26b");
  });
  test("an app within an app leads to its own page", () => {
    expect(appOf({ group: "argoproj.io", kind: "Application", namespace: "argocd", name: "x" })?.kind).toBe("app");
    expect(appOf({ group: "kustomize.config.k8s.io", kind: "Kustomization", namespace: "", name: "x" })).toBeNull();
  });
});

test("only what Git could say is compared", () => {
  const live = { kind: "Pod", apiVersion: "v1", metadata: { uid: "u", name: "x", generation: 1 }, status: { phase: "Running" }, spec: {} };
  expect(JSON.stringify(comparable(live))).toBe('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{}}');
  expect(comparable(null)).toBeNull();
});

test("many healthy Pods of one owner are drawn as one", () => {
  const node = (id: string, health: TreeNode["health"]) => ({ id, health, managed: false, object: { kind: id.slice(0, 3) } }) as TreeNode;
  const pods = ["Pod1", "Pod2", "Pod3", "Pod4", "Pod5"].map((id) => node(id, id === "Pod3" ? "Degraded" : "Healthy"));
  const edges = pods.map(({ id }) => ({ from: "set", to: id }));
  const drawn = grouped({ nodes: [node("set", "Healthy"), ...pods], edges, folded: 0, leftOut: 0 });
  expect(drawn.nodes.map(({ id }) => id)).toEqual(["set", "Pod3"]);
  expect(drawn.groups).toEqual([{ id: "set Pod", kind: "Pod", count: 4 }]);
  expect(drawn.edges).toEqual([{ from: "set", to: "Pod3" }, { from: "set", to: "set Pod" }]);
});

test("manifests read as YAML", () => {
  const value = { a: { b: [{ c: "x", d: 1 }, { c: "true" }], e: [], f: {} }, g: "one\ntwo\n", h: null, i: ["p", "q: r"] };
  expect(yaml(value)).toBe(
    ["a:", "  b:", "  - c: x", "    d: 1", '  - c: "true"', "  e: []", "  f: {}", "g: |", "  one", "  two", "h: null", "i:", "- p", '- "q: r"'].join("\n"),
  );
});

test("the tree in order, each object once even in a ring", () => {
  const nodes = ["a", "b", "c", "d"].map((id) => ({ id }) as TreeNode);
  const edges = [["a", "b"], ["b", "d"], ["d", "b"], ["a", "c"]].map(([from, to]) => ({ from: from ?? "", to: to ?? "" }));
  const tree: Tree = { nodes, edges, folded: 0, leftOut: 0 };
  expect(ordered(tree).map(({ node, depth }) => `${depth}${node.id}`)).toEqual(["0a", "1b", "2d", "1c"]);
});

test("the theme goes round", () => {
  expect(nextTheme(nextTheme(nextTheme("system")))).toBe("system");
});
