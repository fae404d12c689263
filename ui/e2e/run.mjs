// Drives a running Belay in a real Chromium: the three screens, live changes, an action, a phone.
// BELAY_URL is the address that Belay printed, token included. Pictures go to build/screenshots.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const address = process.env.BELAY_URL;
if (!address) {
  console.error("error: BELAY_URL is not set\nhint: set it to the address that Belay printed, token included");
  process.exit(2);
}
const pictures = join(dirname(fileURLToPath(import.meta.url)), "../../build/screenshots");
mkdirSync(pictures, { recursive: true });
installChromium();

const asRoot = process.getuid?.() === 0;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: asRoot ? ["--no-sandbox"] : [] });
const complaints = [];
try {
  await desktop();
  await phone();
  assert.deepEqual(complaints, [], "the page complained");
} finally {
  await browser.close();
}

async function desktop() {
  const page = await open({ viewport: { width: 1280, height: 800 }, colorScheme: "light" }, address);
  await step("the list shows both families", async () => {
    await page.locator(".family.argo").first().waitFor();
    await page.locator(".family.flux").first().waitFor();
    await page.getByText("● live").waitFor();
    assert.ok(!page.url().includes("token"), "the token stays in the address");
    await picture(page, "applications");
  });
  await step("a filter is kept in the address", async () => {
    const all = await rows(page).count();
    await page.keyboard.press("/");
    await page.keyboard.type("kind:ks");
    await page.waitForURL(/q=kind/);
    await page.waitForFunction((count) => document.querySelectorAll(".rows .row").length < count, all);
    await page.reload();
    assert.equal(await page.getByLabel("search applications").inputValue(), "kind:ks");
    await page.getByText("clear filters").click();
    await page.waitForFunction((count) => document.querySelectorAll(".rows .row").length === count, all);
  });
  await step("the keyboard opens an app", async () => {
    await page.keyboard.press("j");
    await page.locator(".row.current").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/apps\//);
    await page.keyboard.press("u");
    await rows(page).first().waitFor();
  });
  const name = await firstWithDrift(page);
  await step(`the app ${name} has a tree`, async () => {
    await page.locator(".rows").getByRole("link", { name, exact: true }).click();
    await page.locator(".sentence").waitFor();
    await page.locator(".card").nth(1).waitFor();
    assert.ok((await page.locator(".react-flow__edge").count()) > 0, "no owner is joined to what it owns");
    await picture(page, "application");
  });
  await step("a button says what it will do", async () => {
    await page.getByRole("button", { name: "Sync…" }).click();
    await page.locator("dialog .effect").waitFor();
    await picture(page, "sync");
    await page.getByRole("button", { name: "Cancel" }).click();
  });
  await step("refresh is taken", async () => {
    await page.getByRole("button", { name: "Refresh…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Refresh", exact: true }).click();
    await page.locator(".actions [role=status]").getByText(/asked for/).waitFor();
  });
  await step("a resource shows both sides, its owners and its events", async () => {
    await page.getByRole("tab", { name: /list/ }).click();
    await page.locator(".objects li a").nth(1).click();
    await page.waitForURL(/resource/);
    await page.getByRole("tab", { name: /diff/ }).waitFor();
    await picture(page, "resource");
    for (const tab of ["live", "desired", "owners", "events"]) {
      await page.getByRole("tab", { name: new RegExp(tab) }).click();
      await page.locator(".manifest, .history, .notice").first().waitFor();
    }
  });
  await step("the theme is chosen and kept", async () => {
    await page.getByTitle(/theme/).click();
    await page.reload();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.getByRole("link", { name: "Belay" }).click();
    await rows(page).first().waitFor();
    await picture(page, "applications-dark");
  });
  await page.context().close();
}

async function phone() {
  const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: "dark" }, address);
  await step("nothing is cut off on a phone", async () => {
    await rows(page).first().waitFor();
    await fits(page);
    await picture(page, "phone-applications");
    await rows(page).first().getByRole("link").click();
    await page.locator(".sentence").waitFor();
    await fits(page);
    await picture(page, "phone-application");
  });
  await page.context().close();
}

function rows(page) {
  return page.locator(".rows .row");
}

/** The app whose drift the pictures should show; the first one where none has drifted. */
async function firstWithDrift(page) {
  const drifted = rows(page).filter({ hasText: "✎" });
  const row = (await drifted.count()) > 0 ? drifted.first() : rows(page).first();
  return row.getByRole("link").innerText();
}

async function open(options, url) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:") && new URL(request.url()).origin !== new URL(url).origin) {
      complaints.push(`asked another site: ${request.url()}`);
    }
  });
  await page.goto(url);
  return page;
}

async function fits(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `the page is ${width} px wide`);
}

function picture(page, name) {
  return page.screenshot({ path: join(pictures, `${name}.png`) });
}

async function step(name, run) {
  const start = performance.now();
  await run();
  console.log(`ok  ${name} (${Math.round(performance.now() - start)} ms)`);
}

function installChromium() {
  if (existsSync(CHROMIUM)) return;
  console.log("installing chromium");
  execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { stdio: "inherit" });
}
