// Reads the documentation as a front-end developer would: buys something by clicking through the steps at the top, searches,
// opens errors, logs in by hand, and goes on to the guide.
import { inaccessible, launch, screenshot, variable, watch } from "./browser.js";

const shop = variable("SHOP");
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
const complaints = watch(page, shop);

await open();
const listed = await page.locator(".opblock").count();
await page.screenshot({ path: screenshot("docs"), fullPage: false });

const purchase = await buy();
const padlocks = {
  listProducts: await operation("GET", "/api/v1/products").locator(".authorization__btn").count(),
  listOrders: await operation("GET", "/api/v1/orders").locator(".authorization__btn").count(),
};
const errors = await openAnError();
/** @type {Record<string, { paths: (string | undefined)[], told: string }>} */
const found = {};
for (const words of ["refund", "/auth/sessions", "stock", "give back", "no such words"]) {
  found[words] = await search(words);
}
const byHand = await logInByHand();

// The second time the browser asks whether its copy is still good; what it keeps must work as well, and so must the
// token.
await open();
const again = await execute("GET", "/api/v1/auth/me");

const violations = await inaccessible(page);
await page.emulateMedia({ colorScheme: "dark" });
await open();
await page.screenshot({ path: screenshot("docs-dark") });
await execute("GET", "/api/v1/auth/me");
const violationsInTheDark = await inaccessible(page);
await page.screenshot({ path: screenshot("docs-dark-executed") });
await page.setViewportSize({ width: 390, height: 844 });
await open();
await page.screenshot({ path: screenshot("docs-phone") });
await page.getByRole("searchbox").evaluate((field) => field.scrollIntoView());
await page.screenshot({ path: screenshot("docs-phone-list") });
const overflow = await overflowing(page);
const guide = await readTheGuide();
await browser.close();

console.log(JSON.stringify({
  listed, purchase, padlocks, errors, found, byHand, again, violations, violationsInTheDark, overflow, guide, complaints,
}));

async function open() {
  await page.goto(`${shop}/api/docs`);
  await page.locator(".opblock").first().waitFor();
}

/**
 * The box of an operation.
 * @param {string} method
 * @param {string} path
 */
function operation(method, path) {
  const summary = page.locator(".opblock-summary").filter({
    has: page.locator(`[data-path="${path}"]`),
    hasText: method,
  });
  return page.locator(".opblock").filter({ has: summary });
}

/**
 * Sends the request of an operation that is open, as it is filled in, and gives what came back.
 * @param {import("playwright-core").Locator} box
 */
async function send(box) {
  await box.getByRole("button", { name: "Execute" }).click();
  const answer = box.locator(".live-responses-table .response");
  await answer.scrollIntoViewIfNeeded();
  const status = await answer.locator(".response-col_status").innerText();
  const shown = await answer.locator(".response-col_description pre").first().innerText();
  return { status: Number.parseInt(status, 10), body: shown };
}

/**
 * Opens an operation, sends its request and gives what came back.
 * @param {string} method
 * @param {string} path
 * @param {string} [body]
 */
async function execute(method, path, body) {
  const box = operation(method, path);
  await box.locator(".opblock-summary-control").click();
  if (body !== undefined) {
    await box.locator("textarea.body-param__text").fill(body);
  }
  return send(box);
}

/** Takes the steps at the top of the page, and does nothing but click. */
async function buy() {
  const walk = page.getByRole("region", { name: "A first purchase" });
  const step = async (/** @type {string} */ name, /** @type {string} */ method, /** @type {string} */ path) => {
    await walk.getByRole("button", { name }).click();
    return send(operation(method, path));
  };
  const early = await walk.getByRole("button", { name: "Place an order" }).isDisabled();
  const account = await step("Open an account", "POST", "/api/v1/auth/register");
  await page.screenshot({ path: screenshot("docs-registered") });
  const catalogue = await step("Look at the catalogue", "GET", "/api/v1/products");
  await walk.getByRole("button", { name: "Place an order" }).click();
  const create = operation("POST", "/api/v1/orders");
  const key = await create.locator('[data-param-name="Idempotency-Key"] input').inputValue();
  const section = await create.locator(".opblock-external-docs a").getAttribute("href");
  const order = await send(create);
  const [checkout] = await Promise.all([
    context.waitForEvent("page"),
    walk.getByRole("link", { name: "Pay" }).click(),
  ]);
  complaints.push(...watch(checkout, shop));
  await checkout.getByRole("button", { name: "Pay" }).first().click();
  await checkout.waitForURL((address) => address.searchParams.get("result") === "succeed");
  await checkout.close();
  const read = await step("Read the order", "GET", "/api/v1/orders/id/{id}");
  await walk.scrollIntoViewIfNeeded();
  await page.screenshot({ path: screenshot("docs-purchase") });
  const done = await walk.locator("li.done").count();
  return { early, account, catalogue, key, section, order, read, done };
}

/** Errors are lines; a click opens one. */
async function openAnError() {
  const box = operation("POST", "/api/v1/orders");
  const line = box.locator(".fold", { hasText: "409" });
  const rows = box.locator('.responses-table .response[data-code="409"]');
  const before = await rows.count();
  const folded = await box.locator(".responses-table .fold").count();
  await line.getByRole("button").click();
  await line.scrollIntoViewIfNeeded();
  const shown = await rows.locator("pre").first().innerText();
  await page.screenshot({ path: screenshot("docs-error") });
  await line.getByRole("button").click();
  return { before, folded, shown, after: await rows.count() };
}

/**
 * The paths of what is found.
 * @param {string} words
 */
async function search(words) {
  const field = page.getByRole("searchbox", { name: "Search the operations" });
  await field.fill(words);
  const count = page.getByRole("search").getByRole("status");
  await count.filter({ hasText: /operation/ }).waitFor();
  if (words === "refund") {
    await field.scrollIntoViewIfNeeded();
    await page.screenshot({ path: screenshot("docs-search") });
  }
  if (words === "no such words") {
    await page.getByText("No operation has all of these words.").waitFor();
  }
  const paths = await page.locator(".opblock-summary-path").evaluateAll((shown) => shown.map((path) => path.getAttribute("data-path") ?? undefined));
  const told = await count.innerText();
  await field.fill("");
  return { paths, told };
}

/** Logs in by trying it out, and gives the token by hand. */
async function logInByHand() {
  const credentials = { email: variable("EMAIL"), password: variable("PASSWORD") };
  const login = await execute("POST", "/api/v1/auth/login", JSON.stringify(credentials));
  const { accessToken } = JSON.parse(login.body);
  await page.getByRole("button", { name: "Authorize" }).first().click();
  const dialog = page.locator(".modal-ux");
  // Beside it there is a form for the operator's secret.
  const form = dialog.locator("form").filter({ hasText: "bearer (http" });
  await form.getByRole("button", { name: "Remove authorization" }).click();
  await form.getByRole("textbox").fill(accessToken);
  await page.screenshot({ path: screenshot("docs-authorize") });
  await form.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).first().click();
  const me = await execute("GET", "/api/v1/auth/me");
  await page.screenshot({ path: screenshot("docs-executed") });
  return { login, me };
}

/** Goes to the guide by a link of the page. */
async function readTheGuide() {
  const link = page.getByRole("link", { name: "Orders in the guide" });
  const [guide] = await Promise.all([context.waitForEvent("page"), link.click()]);
  const heard = watch(guide, shop);
  await guide.setViewportSize({ width: 390, height: 844 });
  await guide.waitForLoadState();
  const address = guide.url();
  const heading = guide.getByRole("heading", { name: "Orders", exact: true });
  const isShown = await heading.isVisible();
  const narrow = await overflowing(guide);
  await guide.screenshot({ path: screenshot("guide-phone") });
  await guide.setViewportSize({ width: 1280, height: 900 });
  const violations = await inaccessible(guide);
  await guide.screenshot({ path: screenshot("guide") });
  await guide.emulateMedia({ colorScheme: "dark" });
  await guide.getByRole("link", { name: "A first purchase" }).click();
  violations.push(...await inaccessible(guide));
  await guide.screenshot({ path: screenshot("guide-dark") });
  await guide.getByRole("link", { name: "All operations", exact: true }).click();
  await guide.locator(".opblock").first().waitFor();
  complaints.push(...heard);
  return { address, isShown, narrow, violations };
}

/**
 * How much wider a page is than its window.
 * @param {import("playwright-core").Page} shown
 */
function overflowing(shown) {
  return shown.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
