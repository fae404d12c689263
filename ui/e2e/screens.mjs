// The three screens, step by step, as a person would use them.

import assert from "node:assert/strict";
import { pathOf, rowOf, rows, step } from "./browser.mjs";
import * as data from "./data.mjs";
import { until } from "./demo.mjs";
import { noAnswerLeaks, nothingLeaks } from "./secrets.mjs";

export async function screens(open, demo) {
  await step("stores of both families are put in", () => data.putIn(demo));
  const page = await open();
  await list(page, demo);
  await application(page, demo);
  await resource(page);
  await flux(page);
  await step("no Secret's value in any route, stream or page", () => nothingLeaks(open, data));
  await actions(page, demo);
  await live(page, demo);
  await page.context().close();
  await withoutServer(open);
  await withoutToken(open);
  await step("no Secret's value in any answer to any page", () => noAnswerLeaks(open, data));
  // So that the pictures have something to show.
  await data.drift(demo);
}

async function list(page, demo) {
  await step("the list shows both families, live", async () => {
    await page.locator(".family.argo").first().waitFor();
    await page.locator(".family.flux").first().waitFor();
    await page.locator(".live.on").waitFor();
    assert.ok(!page.url().includes("token"), "the token stays in the address");
  });
  await step("state is told by icon and word, the revision with subject and author", async () => {
    for (const app of [data.STORE, data.FLUX_STORE]) {
      const row = rowOf(page, app);
      await row.getByText("Synced", { exact: false }).first().waitFor();
      await row.getByText("Healthy", { exact: false }).first().waitFor();
      assert.equal(await row.locator(".cell-sync svg, .cell-health svg").count(), 2);
      await row.getByText("Open the store", { exact: true }).waitFor();
      await row.getByText("Ada Lovelace", { exact: true }).waitFor();
      assert.equal(await row.getByText("second line").count(), 0);
    }
  });
  await step("a release shows its chart's version", async () => {
    const row = rowOf(page, data.HELM_STORE);
    await row.getByText("Synced", { exact: false }).first().waitFor();
    await row.getByText("Healthy", { exact: false }).first().waitFor();
    await row.getByText("1.2.3").waitFor();
  });
  await step("drift is shown as it happens", async () => {
    await data.drift(demo);
    await rowOf(page, data.STORE).getByText("2 fields").waitFor();
    await rowOf(page, data.STORE).getByText("Out of sync").waitFor();
  });
  await step("filters are kept in the address", async () => {
    const all = await rows(page).count();
    await page.keyboard.press("/");
    await page.keyboard.type("kind:ks store");
    await page.waitForURL(/q=kind%3Aks\+store/);
    await onlyRows(page, 1);
    await page.reload();
    assert.equal(await page.getByLabel("search applications").inputValue(), "kind:ks store");
    await onlyRows(page, 1);
    await page.getByRole("button", { name: "clear filters" }).click();
    await onlyRows(page, all);
    await page.locator(".states").getByRole("button", { name: /drifted/ }).click();
    await page.waitForURL(/only=drifted/);
    await rowOf(page, data.FLUX_STORE).waitFor({ state: "detached" });
    await page.locator("summary", { hasText: "family" }).click();
    await page.getByRole("checkbox", { name: /^argo \d/ }).check();
    await page.waitForURL(/family=argo/);
    await rowOf(page, data.STORE).waitFor();
    await page.getByRole("button", { name: "clear filters" }).click();
    const byHealth = page.getByRole("columnheader", { name: "Health" }).getByRole("button");
    for (const order of [/sort=health/, /sort=-health/, /\/$/]) {
      await byHealth.click();
      await page.waitForURL(order);
    }
    await page.getByLabel("search applications").fill("nothing is called so");
    await page.getByText("No application matches.").waitFor();
    await page.getByRole("button", { name: "clear filters" }).first().click();
    await onlyRows(page, all);
  });
  await step("the keyboard goes down, opens, and comes back", async () => {
    await page.getByLabel("search applications").press("Escape");
    await page.keyboard.press("j");
    await page.locator(".row.current").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/apps\//);
    await page.keyboard.press("u");
    await rows(page).first().waitFor();
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  });
}

async function application(page) {
  await step("an app has a sentence, a tree, a history", async () => {
    await rowOf(page, data.STORE).getByRole("link").click();
    await page.locator(".sentence", { hasText: "2 fields changed in the cluster" }).waitFor();
    await page.locator('[data-object="Deployment/web"]').waitFor();
    // Edges are drawn after the boxes they join: the third shows that owners are joined to what they own.
    await page.locator(".react-flow__edge").nth(2).waitFor({ state: "attached" });
    await page.getByText("5 Pods").waitFor();
    assert.equal(await page.title(), "store · Belay");
    await page.keyboard.press("4");
    await page.locator(".entry").first().getByText("Open the store").waitFor();
    await page.keyboard.press("5");
    await page.getByText("spec.replicas: 2 → 5, a-person").first().waitFor();
    await page.getByText("left (policy): self-heal is off").first().waitFor();
    await page.keyboard.press("7");
    await page.locator(".event", { hasText: "DriftDetected" }).filter({ hasText: "spec.replicas: 2 → 5, a-person" }).first().waitFor();
  });
  await step("an app's drift names field, both values, and who", async () => {
    await page.keyboard.press("3");
    await page.waitForURL(/tab=drift/);
    const change = page.locator(".differences li", { hasText: "spec.replicas" });
    await change.getByText("Git  │ 2").waitFor();
    await change.getByText("live │ 5").waitFor();
    await change.getByText("set by a-person").waitFor();
  });
}

async function resource(page) {
  await step("a resource shows only the changed paths, and their owner", async () => {
    await page.getByRole("link", { name: "Deployment/web" }).click();
    await page.waitForURL(/resource/);
    const changes = page.locator(".differences li");
    await changes.first().waitFor();
    assert.equal(await changes.count(), 1);
    assert.match(await changes.innerText(), /spec\.replicas[\s\S]*a-person[\s\S]*2[\s\S]*5/);
  });
  await step("a resource shows both sides, its managers and its events", async () => {
    await page.getByRole("tab", { name: "live" }).click();
    await page.locator(".manifest", { hasText: "replicas: 5" }).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/tab=desired/);
    await page.locator(".manifest", { hasText: "replicas: 2" }).waitFor();
    await page.getByRole("tab", { name: "compare" }).click();
    await page.locator(".lines .removed", { hasText: "replicas: 5" }).waitFor();
    assert.equal(await page.locator(".lines", { hasText: "resourceVersion" }).count(), 0);
    await page.getByRole("tab", { name: /owners/ }).click();
    await page.locator(".items", { hasText: "argocd-controller" }).waitFor();
    await page.getByRole("tab", { name: /why/ }).click();
    await page.getByText("spec.replicas: 2 → 5, a-person").first().waitFor();
    await page.getByText("left (policy): self-heal is off").first().waitFor();
    await page.getByRole("tab", { name: /events/ }).click();
    await page.locator(".items, .notice").first().waitFor();
  });
}

async function flux(page) {
  await step("what Git says is known of Flux's objects, too", async () => {
    await page.goto(new URL(`${pathOf(data.FLUX_STORE)}?tab=list`, page.url()).href);
    await page.locator(".objects li", { hasText: "Deployment" }).getByRole("link").click();
    await page.getByText("No field differs.").waitFor();
    await page.getByRole("tab", { name: "desired" }).click();
    await page.locator(".manifest", { hasText: "image: registry.example.com/store:1.0.0" }).waitFor();
    await page.getByRole("tab", { name: /owners/ }).click();
    await page.locator(".items", { hasText: "kustomize-controller" }).waitFor();
  });
  await step("a release has a tree, a history and a desired side", async () => {
    await page.goto(new URL(pathOf(data.HELM_STORE), page.url()).href);
    await page.locator('[data-object="Deployment/web"]').getByRole("link").click();
    await page.getByText("No field differs.").waitFor();
    await page.getByRole("tab", { name: "desired" }).click();
    await page.locator(".manifest", { hasText: "replicas: 2" }).waitFor();
    await page.keyboard.press("u");
    await page.keyboard.press("4");
    await page.locator(".entry", { hasText: "1.2.3" }).waitFor();
  });
}

async function actions(page, demo) {
  const dialog = page.locator("dialog");
  const ask = (word) => page.getByRole("button", { name: `${word}…` }).click();
  const confirm = (word) => dialog.getByRole("button", { name: word, exact: true }).click();
  await step("sync says what it will do, then does it", async () => {
    await page.goto(new URL(pathOf(data.STORE), page.url()).href);
    await page.locator(".sentence").waitFor();
    await page.keyboard.press("s");
    await dialog.getByText("sets 2 fields").waitFor();
    await dialog.getByText("spec.replicas 5 → 2").waitFor();
    assert.equal(await data.replicas(demo), 5, "asking has changed something");
    await confirm("Sync");
    await page.getByText(/sync asked for/).waitFor();
    await page.locator(".sentence", { hasText: "In sync with" }).waitFor();
    assert.equal(await data.replicas(demo), 2);
  });
  await step("refresh is taken", async () => {
    await ask("Refresh");
    await dialog.getByText("Changes nothing by itself.").waitFor();
    await confirm("Refresh");
    await page.getByText(/refresh asked for/).waitFor();
  });
  await step("suspending and resuming say which field they set", async () => {
    for (const [app, field] of [[data.STORE, "automated.enabled"], [data.FLUX_STORE, "spec.suspend"]]) {
      await page.goto(new URL(pathOf(app), page.url()).href);
      await ask("Suspend");
      await dialog.getByText(field).waitFor();
      await confirm("Suspend");
      await page.locator(".badges", { hasText: "Suspended" }).waitFor();
      await ask("Resume");
      await confirm("Resume");
      await page.getByRole("button", { name: "Suspend…" }).waitFor();
    }
    await until("the Kustomization goes on", async () => (await data.fluxShop(demo)).spec.suspend === false);
  });
}

async function live(page, demo) {
  await step("a commit shows without a reload", async () => {
    await page.getByRole("link", { name: "Belay" }).click();
    await rows(page).first().waitFor();
    await page.evaluate(() => {
      window.stayed = true;
    });
    data.newImage(demo);
    const row = rowOf(page, data.STORE);
    await row.getByText("Sell more with 1.1.0").waitFor();
    await row.getByText("Synced").waitFor();
    assert.ok(await page.evaluate(() => window.stayed), "the page was loaded again");
  });
  await step("an app that is gone leaves the list", async () => {
    await rowOf(page, "app/argocd/manual").waitFor();
    await data.removeManual(demo);
    await rowOf(page, "app/argocd/manual").waitFor({ state: "detached" });
  });
  await step("the theme is chosen and kept", async () => {
    await page.getByRole("button", { name: /theme/ }).click();
    await page.reload();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.getByRole("button", { name: /theme/ }).click();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
  });
}

async function withoutServer(open) {
  await step("what cannot be reached or found is said, and asked again", async () => {
    const page = await open();
    await page.route("**/api/belay/v1/apps/**", (route) => route.abort());
    await rowOf(page, data.STORE).getByRole("link").click();
    await page.getByText("Belay cannot be reached.").waitFor();
    await page.unroute("**/api/belay/v1/apps/**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".sentence").waitFor();
    await page.goto(new URL("/apps/app/argocd/none", page.url()).href);
    await page.getByText("there is no app app/argocd/none").waitFor();
    await page.context().close();
    open.forgive();
  });
}

async function withoutToken(open) {
  await step("without the token a page can only look", async () => {
    const page = await open({ at: pathOf(data.STORE) });
    await page.getByText("read only").waitFor();
    await page.getByRole("button", { name: "Sync…" }).click();
    const dialog = page.locator("dialog");
    await dialog.getByText("This page has no token.").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Sync", exact: true }).isDisabled());
    await page.context().close();
  });
}

function onlyRows(page, count) {
  return page.waitForFunction((wanted) => document.querySelectorAll(".rows .row").length === wanted, count);
}
