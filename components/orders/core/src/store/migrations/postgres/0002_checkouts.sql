-- Orders that were checkouts. A guest's order has no account: its customer is the checkout.
ALTER TABLE orders ADD COLUMN checkout_id TEXT COLLATE "C";

CREATE INDEX orders_by_checkout ON orders (checkout_id, status) WHERE checkout_id IS NOT NULL;

ALTER TABLE sagas ADD COLUMN asked_checkout TEXT COLLATE "C";

CREATE INDEX sagas_by_checkout ON sagas (asked_checkout, step) WHERE asked_checkout IS NOT NULL;

-- What a checkout was when it was ordered, written down with the saga and kept with the order. Amounts are whole minor units, rates
-- ten-thousandths of a percent. Who has the token of which this is the hash is the guest who ordered.
CREATE TABLE order_quotes (
  order_id TEXT COLLATE "C" PRIMARY KEY,
  checkout_id TEXT COLLATE "C" NOT NULL,
  token_hash TEXT COLLATE "C",
  quote_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  currency TEXT COLLATE "C" NOT NULL,
  prices_include_tax BIGINT NOT NULL CHECK (prices_include_tax IN (0, 1)),
  email TEXT COLLATE "C" NOT NULL,
  note TEXT COLLATE "C",
  items BIGINT NOT NULL CHECK (items >= 0),
  discount BIGINT NOT NULL CHECK (discount >= 0),
  shipping BIGINT NOT NULL CHECK (shipping >= 0),
  tax BIGINT NOT NULL CHECK (tax >= 0),
  total BIGINT NOT NULL CHECK (total >= 0),
  shipping_code TEXT COLLATE "C",
  shipping_name TEXT COLLATE "C",
  shipping_discount BIGINT,
  shipping_tax_rate BIGINT,
  shipping_tax_reason TEXT COLLATE "C",
  shipping_net BIGINT,
  shipping_tax BIGINT,
  shipping_total BIGINT,
  CHECK ((shipping_code IS NULL) = (shipping_total IS NULL))
);

-- unit_price is in units of 1/10,000 of the currency.
CREATE TABLE order_quote_lines (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  product_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  unit_price BIGINT NOT NULL CHECK (unit_price >= 0),
  amount BIGINT NOT NULL CHECK (amount >= 0),
  discount BIGINT NOT NULL CHECK (discount BETWEEN 0 AND amount),
  tax_rate BIGINT NOT NULL,
  tax_reason TEXT COLLATE "C",
  net BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  total BIGINT NOT NULL CHECK (total = net + tax),
  PRIMARY KEY (order_id, position)
);

CREATE TABLE order_quote_discounts (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (order_id, position)
);

CREATE TABLE order_quote_taxes (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  tax_rate BIGINT NOT NULL,
  tax_reason TEXT COLLATE "C",
  net BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  PRIMARY KEY (order_id, position)
);

CREATE TABLE order_addresses (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT COLLATE "C" NOT NULL,
  company TEXT COLLATE "C",
  line1 TEXT COLLATE "C" NOT NULL,
  line2 TEXT COLLATE "C",
  postal_code TEXT COLLATE "C",
  city TEXT COLLATE "C",
  region TEXT COLLATE "C",
  country TEXT COLLATE "C" NOT NULL,
  phone TEXT COLLATE "C",
  PRIMARY KEY (order_id, kind)
);

CREATE TABLE order_metadata (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES order_quotes (order_id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (order_id, position)
);

-- What was to be ordered and was not is removed with its saga.
CREATE FUNCTION quotes_of_rejected_orders_go() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM order_quotes WHERE order_id = old.order_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER quotes_of_rejected_orders_go
AFTER DELETE ON sagas
FOR EACH ROW WHEN (old.step = 'rejected' AND old.asked_checkout IS NOT NULL)
EXECUTE FUNCTION quotes_of_rejected_orders_go();

-- Uses of discount codes are committed and released, too.
ALTER TABLE follow_ups DROP CONSTRAINT follow_ups_task_check;

ALTER TABLE follow_ups ADD CONSTRAINT follow_ups_task_check CHECK (
  task IN (
    'commit-stock', 'release-stock', 'restock-stock', 'commit-codes', 'release-codes', 'acknowledge', 'refund', 'cancel-payment'));
