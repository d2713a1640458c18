// Reads the documentation page as a front-end developer would: finds the operations, logs in by trying one out, and
// calls another with the token.
import { inaccessible, launch, screenshot, variable, watch } from "./browser.js";

const shop = variable("SHOP");
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
const complaints = watch(page, shop);

await open();
const listed = await page.locator(".opblock").count();
await page.screenshot({ path: screenshot("docs"), fullPage: false });

const credentials = { email: variable("EMAIL"), password: variable("PASSWORD") };
const login = await execute("POST", "/api/v1/auth/login", JSON.stringify(credentials));
const { accessToken } = JSON.parse(login.body);
await page.screenshot({ path: screenshot("docs-login") });

await page.getByRole("button", { name: "Authorize" }).first().click();
const dialog = page.locator(".modal-ux");
// Beside it there is a form for the operator's secret.
const form = dialog.locator("form").filter({ hasText: "bearer (http" });
await form.getByRole("textbox").fill(accessToken);
await page.screenshot({ path: screenshot("docs-authorize") });
await form.getByRole("button", { name: "Apply credentials" }).click();
await dialog.getByRole("button", { name: "Close" }).first().click();
const me = await execute("GET", "/api/v1/auth/me");
await page.screenshot({ path: screenshot("docs-executed") });

// The second time the browser asks whether its copy is still good; what it keeps must work as well, and so must the
// token.
await open();
const again = await execute("GET", "/api/v1/auth/me");

const violations = await inaccessible(page, [".swagger-ui"]);
await page.emulateMedia({ colorScheme: "dark" });
await open();
await page.screenshot({ path: screenshot("docs-dark") });
await page.setViewportSize({ width: 390, height: 844 });
await page.screenshot({ path: screenshot("docs-phone") });
await browser.close();

console.log(JSON.stringify({ listed, login, me, again, violations, complaints }));

async function open() {
  await page.goto(`${shop}/api/docs`);
  await page.locator(".opblock").first().waitFor();
}

/**
 * Opens an operation, sends its request and gives what came back.
 * @param {string} method
 * @param {string} path
 * @param {string} [body]
 */
async function execute(method, path, body) {
  const summary = page.locator(".opblock-summary").filter({
    has: page.locator(`[data-path="${path}"]`),
    hasText: method,
  });
  const operation = page.locator(".opblock").filter({ has: summary });
  await summary.locator(".opblock-summary-control").click();
  if (body !== undefined) {
    await operation.locator("textarea.body-param__text").fill(body);
  }
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.scrollIntoViewIfNeeded();
  const status = await answer.locator(".response-col_status").innerText();
  const shown = await answer.locator(".response-col_description pre").first().innerText();
  return { status: Number.parseInt(status, 10), body: shown };
}
