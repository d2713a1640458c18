-- Amounts are whole minor units, times milliseconds since the Unix epoch.
CREATE TABLE payments (
  id TEXT NOT NULL PRIMARY KEY,
  order_id TEXT NOT NULL UNIQUE,
  customer_id TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  refunded_amount INTEGER NOT NULL CHECK (refunded_amount BETWEEN 0 AND amount),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'REFUNDED')),
  provider TEXT NOT NULL,
  session_number INTEGER NOT NULL CHECK (session_number >= 1),
  provider_reference TEXT,
  receipt_url TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  CHECK (refunded_amount = 0 OR status IN ('SUCCEEDED', 'REFUNDED')),
  CHECK (status <> 'REFUNDED' OR refunded_amount = amount)
) STRICT, WITHOUT ROWID;

-- A row is written before the provider is asked; provider_id, url and expires_at are its answer. simulated_outcome is
-- what the customer of a simulated provider did first.
CREATE TABLE sessions (
  payment_id TEXT NOT NULL REFERENCES payments (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  requested_expiry INTEGER NOT NULL,
  provider_id TEXT UNIQUE,
  url TEXT,
  expires_at INTEGER,
  simulated_outcome TEXT CHECK (simulated_outcome IN ('succeed', 'fail', 'cancel')),
  PRIMARY KEY (payment_id, number),
  CHECK ((provider_id IS NULL) = (url IS NULL) AND (provider_id IS NULL) = (expires_at IS NULL))
) STRICT, WITHOUT ROWID;

-- unit_price is in units of 1/10,000 of the currency.
CREATE TABLE checkout_lines (
  payment_id TEXT NOT NULL REFERENCES payments (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
  quantity INTEGER NOT NULL CHECK (quantity >= 1),
  PRIMARY KEY (payment_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
  event_id TEXT NOT NULL PRIMARY KEY,
  event_type TEXT NOT NULL,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- error is the provider's refusal.
CREATE TABLE refunds (
  id TEXT NOT NULL PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  refunded_before INTEGER NOT NULL CHECK (refunded_before >= 0),
  reason TEXT,
  idempotency_key TEXT UNIQUE,
  fingerprint BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED')),
  provider_id TEXT,
  error TEXT,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (status <> 'FAILED' OR error IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX refunds_one_pending ON refunds (payment_id) WHERE status = 'PENDING';

CREATE INDEX refunds_due ON refunds (next_attempt_at) WHERE status = 'PENDING';

CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  event_type TEXT NOT NULL CHECK (event_type IN ('succeeded', 'failed', 'cancelled', 'refunded')),
  time INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  amount INTEGER NOT NULL,
  refunded_amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  provider_reference TEXT,
  receipt_url TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  parked INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
  next_attempt_at INTEGER NOT NULL,
  last_error TEXT,
  acknowledged_at INTEGER
) STRICT;

CREATE INDEX outbox_waiting ON outbox (sequence) WHERE acknowledged_at IS NULL;

CREATE INDEX outbox_of_order ON outbox (order_id) WHERE acknowledged_at IS NULL;

-- One row per name: the signing secret made at first use, the relay's last run, the pause of publishing.
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
