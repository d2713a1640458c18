-- Orders that were checkouts. A guest's order has no account: its customer is the checkout.
ALTER TABLE orders ADD COLUMN checkout_id TEXT;

CREATE INDEX orders_by_checkout ON orders (checkout_id, status) WHERE checkout_id IS NOT NULL;

ALTER TABLE sagas ADD COLUMN asked_checkout TEXT;

CREATE INDEX sagas_by_checkout ON sagas (asked_checkout, step) WHERE asked_checkout IS NOT NULL;

-- What a checkout was when it was ordered, written down with the saga and kept with the order. Amounts are whole minor units, rates
-- ten-thousandths of a percent. Who has the token of which this is the hash is the guest who ordered.
CREATE TABLE order_quotes (
  order_id TEXT NOT NULL PRIMARY KEY,
  checkout_id TEXT NOT NULL,
  token_hash TEXT,
  quote_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  currency TEXT NOT NULL,
  prices_include_tax INTEGER NOT NULL CHECK (prices_include_tax IN (0, 1)),
  email TEXT NOT NULL,
  note TEXT,
  items INTEGER NOT NULL CHECK (items >= 0),
  discount INTEGER NOT NULL CHECK (discount >= 0),
  shipping INTEGER NOT NULL CHECK (shipping >= 0),
  tax INTEGER NOT NULL CHECK (tax >= 0),
  total INTEGER NOT NULL CHECK (total >= 0),
  shipping_code TEXT,
  shipping_name TEXT,
  shipping_discount INTEGER,
  shipping_tax_rate INTEGER,
  shipping_tax_reason TEXT,
  shipping_net INTEGER,
  shipping_tax INTEGER,
  shipping_total INTEGER,
  CHECK ((shipping_code IS NULL) = (shipping_total IS NULL))
) STRICT, WITHOUT ROWID;

-- unit_price is in units of 1/10,000 of the currency.
CREATE TABLE order_quote_lines (
  order_id TEXT NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  name TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  discount INTEGER NOT NULL CHECK (discount BETWEEN 0 AND amount),
  tax_rate INTEGER NOT NULL,
  tax_reason TEXT,
  net INTEGER NOT NULL,
  tax INTEGER NOT NULL,
  total INTEGER NOT NULL CHECK (total = net + tax),
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_quote_discounts (
  order_id TEXT NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  code TEXT NOT NULL,
  label TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_quote_taxes (
  order_id TEXT NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  tax_rate INTEGER NOT NULL,
  tax_reason TEXT,
  net INTEGER NOT NULL,
  tax INTEGER NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_addresses (
  order_id TEXT NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT NOT NULL,
  company TEXT,
  line1 TEXT NOT NULL,
  line2 TEXT,
  postal_code TEXT,
  city TEXT,
  region TEXT,
  country TEXT NOT NULL,
  phone TEXT,
  PRIMARY KEY (order_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_metadata (
  order_id TEXT NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

-- What was to be ordered and was not is removed with its saga.
CREATE TRIGGER quotes_of_rejected_orders_go
AFTER DELETE ON sagas
WHEN old.step = 'rejected' AND old.asked_checkout IS NOT NULL
BEGIN
  DELETE FROM order_quotes WHERE order_id = old.order_id;
END;

-- Uses of discount codes are committed and released, too.
CREATE TABLE follow_ups_with_codes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL,
  task TEXT NOT NULL CHECK (
    task IN (
      'commit-stock', 'release-stock', 'restock-stock', 'commit-codes', 'release-codes', 'acknowledge', 'refund', 'cancel-payment')
  ),
  subject TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  CHECK ((task IN ('acknowledge', 'refund')) = (subject IS NOT NULL))
) STRICT;

INSERT INTO follow_ups_with_codes (number, order_id, task, subject, attempts, next_attempt_at)
SELECT number, order_id, task, subject, attempts, next_attempt_at
FROM follow_ups;

DROP TABLE follow_ups;

ALTER TABLE follow_ups_with_codes RENAME TO follow_ups;

CREATE INDEX follow_ups_by_order ON follow_ups (order_id, number);

CREATE INDEX follow_ups_due ON follow_ups (next_attempt_at);

CREATE TRIGGER follow_up_retries_are_counted
AFTER UPDATE OF attempts ON follow_ups
WHEN new.attempts > old.attempts AND (old.attempts > 0 OR old.task NOT IN ('commit-stock', 'acknowledge'))
BEGIN
  UPDATE tallies SET follow_up_retries = follow_up_retries + 1;
END;
