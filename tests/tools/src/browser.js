// A browser, and a record of everything it complains about or asks of others.
import axe from "axe-core";
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { env } from "node:process";

/** Nothing but what a test asks for: no updates, no sync, no first-run pages. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * The value of an environment variable that the test sets.
 * @param {string} name
 */
export function variable(name) {
  const value = env[name];
  assert(value !== undefined, `${name} is set`);
  return value;
}

/** Starts the browser. */
export function launch() {
  return chromium.launch({ executablePath: variable("CHROMIUM"), args: FLAGS });
}

/**
 * Where a picture of that name goes.
 * @param {string} name
 */
export function screenshot(name) {
  return join(variable("SCREENSHOTS"), `${name}.png`);
}

/**
 * Everything wrong that a page makes known, as it happens: errors on the console, exceptions, violations of its policy,
 * requests that fail or go to another host.
 * @param {import("playwright-core").Page} page
 * @param {string[]} origins Where its requests may go
 */
export function watch(page, ...origins) {
  /** @type {string[]} */
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && !origins.includes(origin)) {
      complaints.push(`elsewhere: ${request.url()}`);
    }
  });
  return complaints;
}

/**
 * What axe-core finds wrong for people who do not see well or use no mouse.
 * @param {import("playwright-core").Page} page
 */
export async function inaccessible(page) {
  await page.evaluate(axe.source);
  const results = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
  return /** @type {import("axe-core").AxeResults} */ (results).violations.map((violation) => {
    const places = violation.nodes.map((node) => `${node.target} (${node.failureSummary})`);
    return { impact: violation.impact, rule: violation.id, help: violation.help, places };
  });
}

/**
 * Takes a picture, and tells what is wrong with what it shows.
 * @param {import("playwright-core").Page} page
 * @param {string} picture
 */
export async function look(page, picture) {
  await page.screenshot({ path: screenshot(picture), fullPage: true });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  return { violations: await inaccessible(page), overflow };
}
