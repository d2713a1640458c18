// One purchase, by a client whose types were generated from the OpenAPI document. What does not fit the document does
// not compile; what the shop answers otherwise than documented fails here.
import assert from "node:assert/strict";
import { env } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

type Order = components["schemas"]["OrderDetails"];

/** How long an order may take from its payment to PAID. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

const baseUrl = env["SHOP"];
const wanted = env["PRODUCT"];
assert(baseUrl !== undefined && wanted !== undefined, "SHOP and PRODUCT are set");

const shop = createClient<paths>({ baseUrl });

const registered = await shop.POST("/api/v1/auth/register", {
  body: { name: "Ada Lovelace", email: `ada-${Date.now()}@customers.test`, password: "Tr0ub4dor&3" },
});
assert.equal(registered.response.status, 201);
assert(registered.data !== undefined);
const { accessToken, user } = registered.data;
assert.equal(user.role, "customer");
const headers = { Authorization: `Bearer ${accessToken}` };

const found = await shop.GET("/api/v1/products", { params: { query: { q: wanted, inStock: true, limit: 5 } } });
assert(found.data !== undefined, JSON.stringify(found.error));
assert.equal(found.data.meta.total, 1);
const product = found.data.data[0];
assert(product !== undefined && product.name === wanted);
const price: number = product.price;

const body = { items: [{ productId: product.id, quantity: 2 }] };
const key = { "Idempotency-Key": `purchase-${Date.now()}` };
const placed = await shop.POST("/api/v1/orders", { params: { header: key }, headers, body });
assert.equal(placed.response.status, 201);
assert(placed.data !== undefined);
const { id, order, paymentSession } = placed.data;
assert(paymentSession !== undefined, "what costs something has a session");
assert.equal(order.status, "PENDING");
assert.equal(order.totalAmount, 2 * price);
const again = await shop.POST("/api/v1/orders", { params: { header: key }, headers, body });
assert.equal(again.data?.id, id, "the same request again is the same order");

const refused = await shop.POST("/api/v1/orders", { headers, body: { items: [] } });
assert.equal(refused.response.status, 400);
assert.equal(refused.error?.errors?.[0]?.field, "items");

const paid = await shop.POST("/api/v1/payments/mock/checkout/{sessionId}", {
  params: { path: { sessionId: paymentSession.id } },
  body: { outcome: "succeed" },
});
assert.equal(paid.data?.status, "SUCCEEDED");

const settled = await untilPaid(id);
assert.equal(settled.totalAmount, 2 * price);
assert(settled.receipt, "a paid order has a receipt");
console.log(JSON.stringify({ id, userId: user.id, status: settled.status, totalAmount: settled.totalAmount }));

async function untilPaid(orderId: string): Promise<Order> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const read = await shop.GET("/api/v1/orders/id/{id}", { params: { path: { id: orderId } }, headers });
    assert(read.data !== undefined, JSON.stringify(read.error));
    if (read.data.status === "PAID") {
      return read.data;
    }
    assert(Date.now() < deadline, `the order is still ${read.data.status}`);
    await pause(POLL_MS);
  }
}
