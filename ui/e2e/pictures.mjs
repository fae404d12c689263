// Pictures of the screens, in both themes and on a phone, and whether they can be read.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rows, step } from "./browser.mjs";

/** Where pictures go. */
export const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../build/screenshots");
/** WCAG AA for text. */
const CONTRAST = 4.5;
/** What counts as good for the layout shift of a page. */
const SHIFT = 0.1;

export async function pictures(open) {
  for (const colorScheme of ["light", "dark"]) {
    await step(`the screens are legible in the ${colorScheme} theme`, async () => {
      const page = await open({ colorScheme });
      await screens(page, colorScheme);
      await page.context().close();
    });
  }
  for (const width of [1280, 390]) {
    await step(`nothing jumps while a screen loads, ${width} px wide`, () => steady(open, width));
  }
  for (const width of [390, 360]) {
    await step(`nothing is cut off at ${width} px`, async () => {
      const page = await open({ viewport: { width, height: 844 }, colorScheme: "dark", hasTouch: true });
      await screens(page, `phone-${width}`, () => fits(page, width));
      await page.context().close();
    });
  }
}

/** Loads each screen by its address, and adds up what moved by itself. */
async function steady(open, width) {
  const page = await open({ viewport: { width, height: 844 } });
  await rows(page).first().waitFor();
  const app = await rows(page).first().getByRole("link").getAttribute("href");
  for (const at of ["/", app, `${app}?tab=list`]) {
    await page.goto(new URL(at, page.url()).href);
    await page.locator(".rows .row, .card, .objects li").first().waitFor();
    const moved = await page.evaluate(
      () =>
        new Promise((resolve) => {
          let sum = 0;
          const add = (list) => list.getEntries().forEach((entry) => { sum += entry.value; });
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 300);
        }),
    );
    assert.ok(moved < SHIFT, `${at} moved by ${moved.toFixed(3)}`);
  }
  await page.context().close();
}

/** List, app, drift, resource: the app is the one that shows most. */
async function screens(page, suffix, check = async () => {}) {
  const look = async (name) => {
    await check();
    await page.screenshot({ path: join(FOLDER, `${name}-${suffix}.png`) });
    if (suffix === "light" || suffix === "dark") assert.deepEqual(await faint(page), [], `${name}: too little contrast`);
  };
  await rows(page).first().waitFor();
  await look("applications");
  const drifted = rows(page).filter({ hasText: /\d+ fields?/ });
  const row = (await drifted.count()) > 0 ? drifted.first() : rows(page).first();
  await row.getByRole("link").click();
  await page.locator(".sentence").waitFor();
  await page.locator(".card, .objects li").nth(1).waitFor();
  await look("application");
  await page.getByRole("tab", { name: /drift/ }).click();
  await look("drift");
  await page.getByRole("tab", { name: /list/ }).click();
  await page.locator(".objects li", { hasText: "Deployment" }).getByRole("link").first().click();
  await page.locator(".screen h1", { hasText: "Deployment" }).waitFor();
  await look("resource");
  await page.getByRole("tab", { name: /live/ }).click();
  await look("live");
}

async function fits(page, width) {
  const found = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(found <= width, `the page is ${found} px wide`);
}

/** The texts whose colour is too near to what is behind them. */
function faint(page) {
  return page.evaluate((least) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        const layer = rgba(getComputedStyle(at).backgroundColor);
        layers.push(layer);
        if (layer[3] === 255) break;
      }
      return layers.reverse().reduce((under, [r, g, b, a]) => {
        const share = a / 255;
        return [r, g, b].map((part, place) => part * share + under[place] * (1 - share));
      }, [255, 255, 255]);
    };
    const found = new Set();
    for (const element of document.querySelectorAll("body *")) {
      const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
      if (text === "" || element.closest("[disabled], .hidden, .react-flow__attribution") || !element.checkVisibility()) continue;
      const one = luminance(rgba(getComputedStyle(element).color));
      const other = luminance(behind(element));
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < least) found.add(`${text.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return [...found];
  }, CONTRAST);
}
