CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID', 'DELIVERED', 'CANCELLED', 'REFUNDED')),
  total_amount INTEGER NOT NULL CHECK (total_amount >= 0),
  total_items INTEGER NOT NULL CHECK (total_items > 0),
  currency TEXT NOT NULL,
  receipt_id TEXT,
  receipt_url TEXT,
  receipt_issued_at INTEGER,
  paid_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  CHECK (status IN ('PENDING', 'CANCELLED') OR (receipt_id IS NOT NULL AND paid_at IS NOT NULL)),
  CHECK ((receipt_id IS NULL) = (receipt_issued_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_customer ON orders (customer_id, id);

CREATE INDEX orders_by_status ON orders (status, id, total_amount);

CREATE INDEX orders_by_customer_and_status ON orders (customer_id, status, id);

CREATE TABLE order_items (
  order_id TEXT NOT NULL REFERENCES orders (id),
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  name TEXT NOT NULL,
  unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_status_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders (id),
  from_status TEXT,
  to_status TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE INDEX order_status_history_by_order ON order_status_history (order_id, id);

-- How far the making or cancelling of an order has come. Begins before there is an order.
CREATE TABLE sagas (
  order_id TEXT NOT NULL PRIMARY KEY,
  customer_id TEXT NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('new', 'reserved', 'ready', 'closing', 'done', 'rejected')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  session_id TEXT,
  session_url TEXT,
  session_expires_at INTEGER,
  closing_actor TEXT,
  closing_reason TEXT,
  rejection TEXT CHECK (rejection IN ('lines', 'total-too-large', 'abandoned')),
  CHECK ((step = 'closing') = (closing_actor IS NOT NULL)),
  CHECK ((step = 'rejected') = (rejection IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sagas_due ON sagas (next_attempt_at) WHERE step IN ('new', 'reserved', 'ready', 'closing');

CREATE INDEX sagas_finished ON sagas (created_at) WHERE step IN ('done', 'rejected');

CREATE TABLE saga_lines (
  order_id TEXT NOT NULL REFERENCES sagas (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE saga_rejected_lines (
  order_id TEXT NOT NULL REFERENCES sagas (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  problem TEXT NOT NULL CHECK (problem IN ('unknown-product', 'insufficient-stock')),
  requested INTEGER NOT NULL,
  available INTEGER NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  customer_id TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  order_id TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  answer_status INTEGER,
  answer_body BLOB,
  PRIMARY KEY (customer_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Payment events that were applied.
CREATE TABLE inbox (
  event_id TEXT NOT NULL PRIMARY KEY,
  event_type TEXT NOT NULL,
  order_id TEXT NOT NULL,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a committed change still owes to another database.
CREATE TABLE follow_ups (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL,
  task TEXT NOT NULL CHECK (
    task IN ('commit-stock', 'release-stock', 'restock-stock', 'acknowledge', 'refund', 'cancel-payment')
  ),
  subject TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  CHECK ((task IN ('acknowledge', 'refund')) = (subject IS NOT NULL))
) STRICT;

CREATE INDEX follow_ups_by_order ON follow_ups (order_id, number);

CREATE INDEX follow_ups_due ON follow_ups (next_attempt_at);

CREATE TABLE sweeper (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_run_at INTEGER NOT NULL
) STRICT;

INSERT INTO sweeper (id, last_run_at) VALUES (1, 0);
