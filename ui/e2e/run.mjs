// The web UI in a real Chromium: on the data of a demo that this starts, or of a Belay that runs.
//
//   BELAY=target/demo/belay npm run e2e       starts a demo and looks at it
//   BELAY_URL=http://…#token=… npm run e2e    only takes the pictures, of whatever runs there
//
// Pictures go to build/screenshots. CHROMIUM names the browser.

import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { openings } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { FOLDER, pictures } from "./pictures.mjs";
import { screens } from "./screens.mjs";

const { BELAY, BELAY_URL, CHROMIUM = "/usr/bin/chromium" } = process.env;
if (!BELAY && !BELAY_URL) {
  console.error("error: neither BELAY nor BELAY_URL is set\nhint: BELAY=target/demo/belay npm run e2e");
  process.exit(2);
}
// Chromium's sandbox refuses to run as root.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
// The tour has limits of time, which its own test holds; here a busy machine may have a second try.
const start = () => startDemo(resolve(BELAY));
const demo = BELAY_URL ? null : await start().catch(start);
try {
  const open = openings(browser, BELAY_URL ?? demo.address);
  if (demo) await screens(open, demo);
  await pictures(open);
  open.checkComplaints();
} catch (error) {
  console.error(`error: ${error.message}`);
  for (const [place, page] of browser.contexts().flatMap((context) => context.pages()).entries()) {
    const path = join(FOLDER, `failed-${place}.png`);
    await page.screenshot({ path });
    console.error(`the page at that time, ${page.url()}: ${path}`);
  }
  process.exitCode = 1;
} finally {
  await browser.close();
  await demo?.stop();
}
