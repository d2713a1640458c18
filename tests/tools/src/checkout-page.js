// Goes through the checkout page as customers do, with a keyboard only, on a phone, in the dark, and back to the shop; and
// as developers do, who end a payment otherwise.
import assert from "node:assert/strict";
import { launch, look, screenshot, variable, watch } from "./browser.js";

/** More presses of Tab than the page needs. */
const TABS_MAX = 20;

const shop = variable("SHOP");
const [paid, declined, ended] = /** @type {[string, string, string]} */ (JSON.parse(variable("CHECKOUTS")));
const browser = await launch();

const ways = [
  { name: "desktop", url: paid, outcome: "succeed", width: 1200, height: 900, colorScheme: "light", act: payByKeyboard },
  { name: "phone", url: declined, outcome: "succeed", width: 390, height: 844, colorScheme: "light", act: payAtTheSecondTry },
  { name: "dark", url: ended, outcome: "cancel", width: 1200, height: 900, colorScheme: "dark", act: endTheSession },
];
const visits = [];
for (const way of ways) {
  visits.push(await visit(way));
}
await browser.close();
console.log(JSON.stringify(visits));

/** @param {typeof ways[number]} way */
async function visit({ name, url, outcome, width, height, colorScheme, act }) {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: colorScheme === "dark" ? "dark" : "light",
  });
  const complaints = watch(page, shop);
  await page.goto(url);
  const buttons = await names(page);
  const cancel = await page.getByRole("link", { name: /^Cancel and go back to / }).getAttribute("href");
  const checkout = await look(page, `checkout-${name}`);
  await act(page);
  await page.waitForURL((address) => address.searchParams.get("result") === outcome);
  const result = await look(page, `checkout-${name}-${outcome}`);
  const text = await page.locator("body").innerText();
  const left = await names(page);
  const back = await page.getByRole("link", { name: /^Back to / }).getAttribute("href");
  await page.close();
  return { name, buttons, cancel, left, back, checkout, result, text, complaints };
}

/**
 * The names of the buttons as a screen reader says them.
 * @param {import("playwright-core").Page} page
 */
async function names(page) {
  const tree = await page.locator("body").ariaSnapshot();
  return [...tree.matchAll(/- button "([^"]*)"/g)].map((match) => match[1]);
}

/** @param {import("playwright-core").Page} page */
async function payByKeyboard(page) {
  const pay = page.getByRole("button", { name: /^Pay/ });
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press("Tab");
    if (await pay.evaluate((button) => button === document.activeElement)) {
      await page.screenshot({ path: screenshot("checkout-focus") });
      await page.keyboard.press("Enter");
      return;
    }
  }
  assert.fail("the button that pays is not reached with Tab");
}

/**
 * The first card is declined, and the page says so and lets the customer go on.
 * @param {import("playwright-core").Page} page
 */
async function payAtTheSecondTry(page) {
  await page.getByRole("button", { name: "Decline" }).click();
  await page.waitForURL((address) => address.searchParams.get("result") === "decline");
  assert.match(await page.getByRole("alert").innerText(), /declined/);
  const { violations, overflow } = await look(page, "checkout-phone-declined");
  assert.deepEqual({ violations, overflow }, { violations: [], overflow: 0 });
  await page.getByRole("button", { name: /^Pay / }).click();
}

/**
 * What developers have is folded away until they ask for it.
 * @param {import("playwright-core").Page} page
 */
async function endTheSession(page) {
  await page.getByText("For developers").click();
  const { violations, overflow } = await look(page, "checkout-dark-developers");
  assert.deepEqual({ violations, overflow }, { violations: [], overflow: 0 });
  await page.getByRole("button", { name: /^End the session/ }).click();
}
