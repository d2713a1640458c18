-- Payments of orders that were checkouts: where the order goes, and where the invoice goes when that is elsewhere.
CREATE TABLE checkout_addresses (
  payment_id TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT NOT NULL,
  company TEXT,
  line1 TEXT NOT NULL,
  line2 TEXT,
  postal_code TEXT,
  city TEXT,
  region TEXT,
  country TEXT NOT NULL,
  PRIMARY KEY (payment_id, kind)
) STRICT, WITHOUT ROWID;
