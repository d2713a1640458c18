// Walks through a front end on an origin of its own, as customers do: finds, registers, logs in, orders, is declined, pays and
// comes back; on a desktop, and on a phone in the dark; and as a guest, with an address. Then asks the shop as other front ends may, and as strangers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { launch, look, variable, watch } from "./browser.js";

/**
 * What the files of the front end are.
 * @type {Record<string, string>}
 */
const MEDIA_TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };

/** What Chromium writes to the console for an answer that is an error, which the page then handles. */
const REFUSED = /^console: Failed to load resource: the server responded with a status of 4/;

/** The account's password, as typed. */
const PASSWORD = "Engine-No-1";

const shop = variable("SHOP");
const port = Number(variable("FRONT_END_PORT"));
const adminToken = variable("ADMIN_TOKEN");
/** @type {{ cup: string, saucer: string, desktop: string, phone: string }} */
const products = JSON.parse(variable("PRODUCTS"));
const origin = `http://localhost:${port}`;
// Of this machine, too, but not by the names that are let in.
const stranger = `http://elsewhere.localhost:${port}`;

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", origin).pathname;
  const file = path === "/" ? "index.html" : path.slice(1);
  const type = MEDIA_TYPES[extname(file)];
  assert(type !== undefined && !file.includes("/"), path);
  response.setHeader("content-type", `${type}; charset=utf-8`);
  response.end(await readFile(join("front-end", file)));
});
await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
const browser = await launch();

const seen = {
  desktop: await walk({ name: "desktop", rare: products.desktop, width: 1200, height: 900, colorScheme: "light", finish: declineThenPay }),
  phone: await walk({ name: "phone", rare: products.phone, width: 390, height: 844, colorScheme: "dark", finish: leaveThenPay }),
  guest: await walkAsGuest(),
  headers: await readHeaders(),
  stranger: await beStranger(),
};
await browser.close();
server.close();
console.log(JSON.stringify(seen));

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {{ name: string, rare: string, width: number, height: number, colorScheme: "light" | "dark", finish: typeof declineThenPay }} Way
 * @typedef {(picture: string) => Promise<void>} Look
 */

/** @param {Way} way */
async function walk({ name, rare, width, height, colorScheme, finish }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const complaints = watch(page, origin, shop);
  /** @type {Record<string, Awaited<ReturnType<typeof look>>>} */
  const pages = {};
  let count = 0;
  /** @type {Look} */
  const see = async (picture) => {
    count += 1;
    pages[picture] = await look(page, `front-end-${name}-${count}-${picture}`);
  };

  await page.goto(origin);
  await product(page, rare).waitFor();
  await page.getByLabel("Search").fill("walk cup");
  await page.getByRole("button", { name: "Find" }).click();
  await product(page, rare).waitFor({ state: "detached" });
  await see("search");

  await signIn(page, name);
  await see("logged-in");

  // What the customer sees is not what it costs by now.
  await product(page, products.cup).getByRole("button").click();
  await product(page, products.cup).getByRole("button").click();
  await changePrice(14.5);
  await place(page);
  const changed = await message(page);
  await see("total-changed");
  await changePrice(12.5);
  await place(page);
  await message(page, /25 by now/);

  // One more than there is.
  await page.getByLabel("Search").fill("");
  await page.getByRole("button", { name: "Find" }).click();
  const last = product(page, rare).getByRole("button");
  await last.click();
  await last.click();
  await place(page);
  const rejected = await message(page, /in the quantity/);
  await see("out-of-stock");

  await place(page);
  await page.waitForURL((url) => url.origin === shop);
  await see("checkout");
  const standing = await finish(page, see);
  await see("paid");
  const shown = await page.locator("#order").innerText();
  const id = new URL(page.url()).searchParams.get("order");
  const unexpected = complaints.filter((complaint) => !REFUSED.test(complaint));
  await context.close();
  return { id, pages, changed, rejected, standing, shown, complaints: unexpected };
}

/** A guest fills in an address, is told that a price has moved, and pays what they saw. */
async function walkAsGuest() {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "light" });
  const page = await context.newPage();
  const complaints = watch(page, origin, shop);
  await page.goto(origin);
  await product(page, products.cup).getByRole("button").click();
  await page.getByLabel("Recipient").fill("Grace Hopper");
  await page.getByLabel("Receipt to").fill("Grace@Customers.test");
  await page.getByLabel("Street").fill("Ring 1");
  await page.getByLabel("Postal code").fill("10");
  await page.getByLabel("City").fill("Wien");
  await page.getByLabel("Country").fill("AT");
  const ask = page.getByRole("button", { name: "What does it cost?" });
  await ask.click();
  const wrong = await message(page, /shippingAddress\.postalCode/);
  await page.getByLabel("Postal code").fill("1010");
  await ask.click();
  const place = page.getByRole("button", { name: "Order and pay as a guest" });
  await place.waitFor();
  await changePrice(14.5);
  await place.click();
  await message(page, /another one by now/);
  const now = await page.locator("#quote-total").innerText();
  /** @type {Record<string, Awaited<ReturnType<typeof look>>>} */
  const pages = { changed: await look(page, "front-end-guest-1-changed") };
  await place.click();
  await page.waitForURL((url) => url.origin === shop);
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByRole("link", { name: /^Back to / }).click();
  await status(page, "PAID");
  pages["paid"] = await look(page, "front-end-guest-2-paid");
  const shown = await page.locator("#order").innerText();
  const id = new URL(page.url()).searchParams.get("order");
  await changePrice(12.5);
  const unexpected = complaints.filter((complaint) => !REFUSED.test(complaint));
  await context.close();
  return { id, pages, wrong, now, shown, complaints: unexpected };
}

/**
 * A card that is declined, another one, and the button that leads back.
 * @param {Page} page
 * @param {Look} see
 */
async function declineThenPay(page, see) {
  await page.getByRole("button", { name: "Decline" }).click();
  const declined = await page.getByRole("alert").innerText();
  await see("declined");
  await page.getByRole("button", { name: /^Pay / }).click();
  const back = page.getByRole("link", { name: /^Back to / });
  await back.waitFor();
  await see("result");
  await back.click();
  await status(page, "PAID");
  return declined;
}

/**
 * Back to the shop without having paid, and from there to the payment page again.
 * @param {Page} page
 * @param {Look} see
 */
async function leaveThenPay(page, see) {
  await page.getByRole("link", { name: /^Cancel and go back to / }).click();
  await status(page, "PENDING");
  const waiting = await page.locator("#order").innerText();
  await see("waiting");
  await page.getByRole("button", { name: "Pay now" }).click();
  await declineThenPay(page, see);
  return waiting;
}

/**
 * Registers, comes another day with a token that is worth nothing any more, and logs in.
 * @param {Page} page
 * @param {string} name
 */
async function signIn(page, name) {
  const email = `front-end-${name}-${Date.now()}@customers.test`;
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Register" }).click();
  await message(page, /password: /);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByText("Ada Lovelace is registered.").waitFor();
  await page.evaluate(() => sessionStorage.setItem("token", "of another day"));
  await page.reload();
  await product(page, products.cup).waitFor();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("Ada Lovelace is logged in.").waitFor();
}

/**
 * The line of a product in the catalogue.
 * @param {Page} page
 * @param {string} name
 */
function product(page, name) {
  return page.locator("#products li").filter({ hasText: name });
}

/** @param {Page} page */
async function place(page) {
  await page.getByRole("button", { name: "Order and pay" }).click();
}

/**
 * What the page says when the shop refuses something.
 * @param {Page} page
 * @param {RegExp} [text]
 */
async function message(page, text = /./) {
  const alert = page.getByRole("alert").filter({ hasText: text });
  await alert.waitFor();
  return alert.innerText();
}

/**
 * @param {Page} page
 * @param {string} status
 */
async function status(page, status) {
  await page.waitForURL((url) => url.origin === origin);
  await page.locator("#status", { hasText: status }).waitFor();
}

/** @param {number} price */
async function changePrice(price) {
  const headers = { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" };
  const found = await fetch(`${shop}/api/v1/products?q=${encodeURIComponent(products.cup)}`);
  const { data } = /** @type {{ data: { id: string, name: string }[] }} */ (await found.json());
  const id = data.find(({ name }) => name === products.cup)?.id;
  const body = JSON.stringify({ price });
  const answer = await fetch(`${shop}/api/v1/products/${id}`, { method: "PATCH", headers, body });
  assert.equal(answer.status, 200);
}

/** What a page of an origin that is let in can read of answers, and which requests it may send. */
async function readHeaders() {
  const page = await browser.newPage();
  await page.goto(origin);
  return page.evaluate(
    async ({ api, email, password, name }) => {
      /** @type {Record<string, string>} */
      const headers = { "Content-Type": "application/json" };
      /**
       * @param {string} method
       * @param {string} path
       * @param {unknown} [body]
       * @param {Record<string, string>} [more]
       */
      const ask = async (method, path, body, more = {}) => {
        const request = { method, headers: { ...headers, ...more } };
        const answer = await fetch(api + path, body === undefined ? request : { ...request, body: JSON.stringify(body) });
        const text = await answer.text();
        /** @type {Record<string, string>} */
        const readable = {};
        answer.headers.forEach((value, name) => (readable[name] = value));
        return {
          status: answer.status,
          code: String(JSON.parse(text || "{}").type ?? "").split("/").pop(),
          body: JSON.parse(text || "{}"),
          headers: readable,
        };
      };
      const { body: session } = await ask("POST", "/auth/register", { name: "Grace", email, password });
      headers["Authorization"] = `Bearer ${session.accessToken}`;
      const me = await ask("GET", "/auth/me");
      const tag = String(me.headers["etag"]);
      const changed = await ask("PATCH", "/auth/me", { name: "Grace Hopper" }, { "If-Match": tag });
      const stale = await ask("PATCH", "/auth/me", { name: "Nobody" }, { "If-Match": tag });
      const { body: found } = await ask("GET", `/products?q=${encodeURIComponent(name)}`);
      const order = { items: [{ productId: found.data[0].id, quantity: 1 }] };
      const key = { "Idempotency-Key": crypto.randomUUID() };
      const placed = await ask("POST", "/orders", order, key);
      const again = await ask("POST", "/orders", order, key);
      const other = await ask("POST", "/orders", { items: [{ ...order.items[0], quantity: 2 }] }, key);
      const sessions = await ask("DELETE", "/auth/sessions");
      const nowhere = await ask("POST", "/orders/id/nowhere", {});
      const large = await ask("POST", "/orders", { items: "x".repeat(100_000) });
      const nobody = await ask("GET", "/orders", undefined, { Authorization: "Bearer nobody" });
      let limited = placed;
      for (let orders = 0; limited.status === 201 && orders < 50; orders += 1) {
        limited = await ask("POST", "/orders", order);
      }
      return { me, changed, stale, placed, again, other, sessions, nowhere, large, nobody, limited };
    },
    {
      api: `${shop}/api/v1`,
      email: `front-end-headers-${Date.now()}@customers.test`,
      password: PASSWORD,
      name: products.saucer,
    },
  );
}

/** The same front end where the shop does not let it in: its page is there and says that something is wrong. */
async function beStranger() {
  const page = await browser.newPage();
  /** @type {string[]} */
  const exceptions = [];
  page.on("pageerror", (error) => exceptions.push(error.message));
  await page.goto(stranger);
  const said = await message(page);
  await look(page, "front-end-stranger");
  const isThere = await page.getByRole("button", { name: "Order and pay" }).isVisible();
  const preflight = await page.evaluate(
    (url) =>
      fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }).then(
        (answer) => String(answer.status),
        (error) => String(error.name),
      ),
    `${shop}/api/v1/orders`,
  );
  return { said, isThere, exceptions, preflight };
}
