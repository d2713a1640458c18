-- The answer given to a refund under its idempotency key.
ALTER TABLE refunds ADD COLUMN answer_status INTEGER;

ALTER TABLE refunds ADD COLUMN answer_body BLOB;

-- Orders that were cancelled before they had a payment: none may be opened for them any more.
CREATE TABLE refused_orders (
  order_id TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What has done its service is removed, the oldest first.
CREATE INDEX refused_orders_by_age ON refused_orders (at);

CREATE INDEX webhooks_by_age ON webhooks (received_at);

CREATE INDEX outbox_acknowledged ON outbox (acknowledged_at) WHERE acknowledged_at IS NOT NULL;

CREATE INDEX refunds_answered ON refunds (updated_at) WHERE answer_status IS NOT NULL;
