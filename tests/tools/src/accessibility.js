// Looks at pages with axe-core: on a phone and wide, in the light and in the dark, with everything unfolded.
import { launch, look, variable } from "./browser.js";

/**
 * A page to look at: at an address, where it is ready when there is what `ready` selects, or as its text alone. What `press` selects is
 * pressed then. `late` is a customer who pays what has been paid elsewhere meanwhile.
 * @typedef {{ name: string, html: string } | { name: string, url: string, ready: string, press?: string, late?: boolean }} Visit
 */

const LOOKS = /** @type {const} */ ([
  { name: "light-wide", colorScheme: "light", width: 1280, height: 900 },
  { name: "light-phone", colorScheme: "light", width: 390, height: 844 },
  { name: "dark-wide", colorScheme: "dark", width: 1280, height: 900 },
  { name: "dark-phone", colorScheme: "dark", width: 390, height: 844 },
]);

const visits = /** @type {Visit[]} */ (JSON.parse(variable("PAGES")));
const browser = await launch();
const seen = [];
for (const visit of visits) {
  seen.push(await scan(visit));
}
await browser.close();
console.log(JSON.stringify(seen));

/** @param {Visit} visit */
async function scan(visit) {
  const page = await browser.newPage();
  await open(page, visit);
  await page.evaluate(() => document.querySelectorAll("details").forEach((folded) => (folded.open = true)));
  const looks = [];
  for (const { name, colorScheme, width, height } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    await settle(page);
    looks.push({ name, ...(await look(page, `accessibility-${visit.name}-${name}`)) });
  }
  await page.close();
  return { name: visit.name, looks };
}

/**
 * @param {import("playwright-core").Page} page
 * @param {Visit} visit
 */
async function open(page, visit) {
  if ("html" in visit) {
    await page.setContent(visit.html);
    return;
  }
  await page.goto(visit.url);
  if (visit.late) {
    await page.request.post(visit.url, { data: { outcome: "succeed" } });
    await page.getByRole("button", { name: /^Pay / }).click();
  }
  await page.locator(visit.ready).first().waitFor();
  if (visit.press) {
    await page.locator(visit.press).first().click();
  }
}

/**
 * Waits until the page is drawn as it was asked to be: colours may change slowly.
 * @param {import("playwright-core").Page} page
 */
function settle(page) {
  return page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  });
}
