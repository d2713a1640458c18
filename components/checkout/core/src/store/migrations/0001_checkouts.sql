CREATE TABLE checkouts (
  id TEXT PRIMARY KEY NOT NULL,
  account_id TEXT,
  token_hash TEXT CHECK (length(token_hash) = 64),
  version INTEGER NOT NULL CHECK (version > 0),
  email TEXT,
  shipping_option TEXT,
  codes TEXT NOT NULL,
  note TEXT,
  quote_id TEXT,
  quote_expires_at INTEGER,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  CHECK ((account_id IS NULL) <> (token_hash IS NULL)),
  CHECK ((quote_id IS NULL) = (quote_expires_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX checkouts_by_use ON checkouts (used_at);

CREATE TABLE checkout_lines (
  checkout_id TEXT NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  product_id TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  seen_price INTEGER,
  PRIMARY KEY (checkout_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_addresses (
  checkout_id TEXT NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT NOT NULL,
  company TEXT,
  line1 TEXT NOT NULL,
  line2 TEXT,
  postal_code TEXT,
  city TEXT,
  region TEXT,
  country TEXT NOT NULL CHECK (length(country) = 2),
  phone TEXT,
  PRIMARY KEY (checkout_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_metadata (
  checkout_id TEXT NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (checkout_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
  key_hash TEXT PRIMARY KEY NOT NULL CHECK (length(key_hash) = 64),
  count INTEGER NOT NULL CHECK (count >= 0),
  window_ends_at INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL,
  forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_by_end ON counters (forgotten_at);

CREATE TABLE settings (
  document TEXT PRIMARY KEY NOT NULL CHECK (document IN ('shipping', 'taxes')),
  version INTEGER NOT NULL CHECK (version >= 0),
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO settings (document, version, updated_at) VALUES ('shipping', 0, 0), ('taxes', 0, 0);

CREATE TABLE tax_settings (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  prices_include_tax INTEGER NOT NULL CHECK (prices_include_tax IN (0, 1)),
  default_country TEXT
) STRICT;

INSERT INTO tax_settings (id, prices_include_tax) VALUES (1, 1);

CREATE TABLE tax_rules (
  position INTEGER PRIMARY KEY CHECK (position >= 0),
  country TEXT NOT NULL,
  region TEXT,
  tax_class TEXT NOT NULL,
  rate INTEGER NOT NULL CHECK (rate BETWEEN 0 AND 1000000),
  reason TEXT,
  CHECK ((rate = 0) = (reason IS NOT NULL))
) STRICT;

CREATE TABLE shipping_zones (
  position INTEGER PRIMARY KEY CHECK (position >= 0),
  name TEXT NOT NULL,
  countries TEXT NOT NULL,
  regions TEXT NOT NULL,
  postal_codes TEXT NOT NULL
) STRICT;

CREATE TABLE shipping_options (
  zone INTEGER NOT NULL REFERENCES shipping_zones (position) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  measure TEXT NOT NULL,
  free_from INTEGER,
  PRIMARY KEY (zone, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE shipping_steps (
  zone INTEGER NOT NULL,
  option INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 0),
  up_to INTEGER,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (zone, option, position),
  FOREIGN KEY (zone, option) REFERENCES shipping_options (zone, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE discount_codes (
  code TEXT PRIMARY KEY NOT NULL,
  label TEXT NOT NULL,
  benefit TEXT NOT NULL CHECK (benefit IN ('percent', 'fixed', 'free-shipping')),
  benefit_value INTEGER NOT NULL CHECK (benefit_value >= 0),
  valid_from INTEGER,
  valid_until INTEGER,
  minimum_value INTEGER,
  limit_total INTEGER CHECK (limit_total > 0),
  limit_per_customer INTEGER CHECK (limit_per_customer > 0),
  is_combinable INTEGER NOT NULL CHECK (is_combinable IN (0, 1)),
  uses INTEGER NOT NULL CHECK (uses >= 0),
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE discount_code_products (
  code TEXT NOT NULL REFERENCES discount_codes (code) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  product_id TEXT NOT NULL,
  PRIMARY KEY (code, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE code_holds (
  order_id TEXT PRIMARY KEY NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released')),
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX code_holds_released ON code_holds (changed_at) WHERE state = 'released';

CREATE TABLE code_uses (
  order_id TEXT NOT NULL REFERENCES code_holds (order_id) ON DELETE CASCADE,
  code TEXT NOT NULL REFERENCES discount_codes (code) ON DELETE CASCADE,
  account_id TEXT,
  email_hash TEXT CHECK (length(email_hash) = 64),
  PRIMARY KEY (order_id, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX code_uses_by_account ON code_uses (code, account_id);

CREATE INDEX code_uses_by_email ON code_uses (code, email_hash);
