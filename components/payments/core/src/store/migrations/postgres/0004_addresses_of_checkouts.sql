-- Payments of orders that were checkouts: where the order goes, and where the invoice goes when that is elsewhere.
CREATE TABLE checkout_addresses (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT COLLATE "C" NOT NULL,
  company TEXT COLLATE "C",
  line1 TEXT COLLATE "C" NOT NULL,
  line2 TEXT COLLATE "C",
  postal_code TEXT COLLATE "C",
  city TEXT COLLATE "C",
  region TEXT COLLATE "C",
  country TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (payment_id, kind)
);
