// Looks for the canaries in everything that the server says: each route, the stream, the pages.

import assert from "node:assert/strict";
import { pathOf } from "./browser.mjs";

/** Asks every route about every object, and opens the pages of the Secrets. */
export async function nothingLeaks(open, { CANARIES, STORE, FLUX_STORE, HELM_STORE }) {
  const clean = cleanOf(CANARIES);
  const stream = heard(new URL("/api/belay/v1/stream", open.address).href);
  const api = async (path) => {
    const response = await fetch(new URL(path, open.address));
    const text = await response.text();
    clean(path, text);
    return response.ok && text.startsWith("{") ? JSON.parse(text) : null;
  };
  let seen = 0;
  for (const { app } of (await api("/api/belay/v1/apps?limit=1000")).items) {
    const at = `/api/belay/v1/apps/${app.kind}/${app.namespace}/${app.name}`;
    const { tree } = await api(at);
    for (const action of ["sync", "sync&prune=true", "refresh", "suspend", "resume"]) {
      await api(`${at}/preview?action=${action}`);
    }
    for (const { object } of tree.nodes) {
      if ((await api(`${at}/resource?${new URLSearchParams(object)}`))?.live) seen += 1;
    }
    // So that the stream has something to say of the app.
    await fetch(new URL(`${at}/actions`, open.address), {
      method: "POST",
      headers: { "content-type": "application/json", "x-belay-token": open.token },
      body: JSON.stringify({ action: "refresh" }),
    });
  }
  assert.ok(seen > 10, `only ${seen} objects were looked at`);
  for (const path of ["/api/belay/v1/about", "/readyz", "/healthz", "/metrics", "/"]) await api(path);

  for (const app of [STORE, FLUX_STORE, HELM_STORE]) {
    const page = await open({ at: `${pathOf(app)}?tab=list` });
    await page.locator(".objects li", { hasText: "Secret" }).getByRole("link").first().click();
    for (const tab of ["live", "desired", "compare", "diff", "owners", "why", "events"]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.locator(".manifest, .lines, .items, .notice").first().waitFor();
      if (tab === "live") assert.match(await page.locator(".manifest").innerText(), /\+{8}/);
      clean(`the ${tab} of ${app}`, await page.content());
    }
    await page.context().close();
  }
  const text = await stream.stop();
  assert.match(text, /event: apps/, "the stream has said nothing");
  clean("the stream", text);
}

/** Everything that the pages were told until now. */
export async function noAnswerLeaks(open, { CANARIES }) {
  const answers = await open.answers();
  assert.ok(answers.length > 20, `only ${answers.length} answers were heard`);
  for (const { url, text } of answers) cleanOf(CANARIES)(url, text);
}

function cleanOf(canaries) {
  const spelt = canaries.flatMap((canary) => [canary, Buffer.from(canary).toString("base64"), encodeURIComponent(canary)]);
  return (where, text) => {
    for (const spelling of spelt) assert.ok(!text.includes(spelling), `${where} holds ${spelling}`);
  };
}

/** What a stream says, until it is stopped. */
function heard(url) {
  const abort = new AbortController();
  let text = "";
  const listening = fetch(url, { signal: abort.signal })
    .then(async (response) => {
      for await (const part of response.body) text += Buffer.from(part).toString();
    })
    .catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
  return {
    async stop() {
      await new Promise((resolve) => setTimeout(resolve, 700));
      abort.abort();
      await listening;
      return text;
    },
  };
}
