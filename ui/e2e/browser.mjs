// Pages that note what they should not do, and steps that say how long they took.

import assert from "node:assert/strict";

/** Opens pages on an address; what any of them complains of is kept. */
export function openings(browser, address) {
  const complaints = [];
  const bodies = [];
  const open = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith("data:") && new URL(url).origin !== new URL(address).origin) {
        complaints.push(`asked another site: ${url}`);
      }
    });
    page.on("response", (response) => {
      if (response.url().includes("/api/") && !response.url().endsWith("/stream")) {
        bodies.push(response.text().then((text) => ({ url: response.url(), text })).catch(() => null));
      }
    });
    await page.goto(options.at ? new URL(options.at, address).href : address);
    return page;
  };
  open.address = new URL(address);
  open.token = new URLSearchParams(open.address.hash.slice(1)).get("token");
  /** Complaints that a step causes on purpose are forgotten. */
  open.forgive = () => complaints.splice(0);
  open.checkComplaints = () => assert.deepEqual(complaints, [], "a page complained");
  /** Everything that the API answered to any page. */
  open.answers = async () => (await Promise.all(bodies)).filter((body) => body !== null);
  return open;
}

export async function step(name, run) {
  const start = performance.now();
  try {
    await run();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  console.log(`ok  ${name} (${Math.round(performance.now() - start)} ms)`);
}

export function rows(page) {
  return page.locator(".rows .row");
}

export function rowOf(page, app) {
  return page.locator(`.rows .row[data-app="${app}"]`);
}

/** The address of an app's page. */
export function pathOf(app) {
  return `/apps/${app}`;
}
