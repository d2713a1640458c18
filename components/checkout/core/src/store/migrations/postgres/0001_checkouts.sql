CREATE TABLE checkouts (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  account_id TEXT COLLATE "C",
  token_hash TEXT COLLATE "C" CHECK (length(token_hash) = 64),
  version BIGINT NOT NULL CHECK (version > 0),
  email TEXT COLLATE "C",
  shipping_option TEXT COLLATE "C",
  codes TEXT COLLATE "C" NOT NULL,
  note TEXT COLLATE "C",
  quote_id TEXT COLLATE "C",
  quote_expires_at BIGINT,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  CHECK ((account_id IS NULL) <> (token_hash IS NULL)),
  CHECK ((quote_id IS NULL) = (quote_expires_at IS NULL))
);

CREATE INDEX checkouts_by_use ON checkouts (used_at);

CREATE TABLE checkout_lines (
  checkout_id TEXT COLLATE "C" NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  position BIGINT NOT NULL CHECK (position >= 0),
  product_id TEXT COLLATE "C" NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  seen_price BIGINT,
  PRIMARY KEY (checkout_id, position)
);

CREATE TABLE checkout_addresses (
  checkout_id TEXT COLLATE "C" NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('shipping', 'billing')),
  name TEXT COLLATE "C" NOT NULL,
  company TEXT COLLATE "C",
  line1 TEXT COLLATE "C" NOT NULL,
  line2 TEXT COLLATE "C",
  postal_code TEXT COLLATE "C",
  city TEXT COLLATE "C",
  region TEXT COLLATE "C",
  country TEXT COLLATE "C" NOT NULL CHECK (length(country) = 2),
  phone TEXT COLLATE "C",
  PRIMARY KEY (checkout_id, kind)
);

CREATE TABLE checkout_metadata (
  checkout_id TEXT COLLATE "C" NOT NULL REFERENCES checkouts (id) ON DELETE CASCADE,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (checkout_id, key)
);

CREATE TABLE counters (
  key_hash TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (length(key_hash) = 64),
  count BIGINT NOT NULL CHECK (count >= 0),
  window_ends_at BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  forgotten_at BIGINT NOT NULL
);

CREATE INDEX counters_by_end ON counters (forgotten_at);

CREATE TABLE settings (
  document TEXT COLLATE "C" PRIMARY KEY NOT NULL CHECK (document IN ('shipping', 'taxes')),
  version BIGINT NOT NULL CHECK (version >= 0),
  updated_at BIGINT NOT NULL
);

INSERT INTO settings (document, version, updated_at) VALUES ('shipping', 0, 0), ('taxes', 0, 0);

CREATE TABLE tax_settings (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  prices_include_tax BIGINT NOT NULL CHECK (prices_include_tax IN (0, 1)),
  default_country TEXT COLLATE "C"
);

INSERT INTO tax_settings (id, prices_include_tax) VALUES (1, 1);

CREATE TABLE tax_rules (
  position BIGINT PRIMARY KEY CHECK (position >= 0),
  country TEXT COLLATE "C" NOT NULL,
  region TEXT COLLATE "C",
  tax_class TEXT COLLATE "C" NOT NULL,
  rate BIGINT NOT NULL CHECK (rate BETWEEN 0 AND 1000000),
  reason TEXT COLLATE "C",
  CHECK ((rate = 0) = (reason IS NOT NULL))
);

CREATE TABLE shipping_zones (
  position BIGINT PRIMARY KEY CHECK (position >= 0),
  name TEXT COLLATE "C" NOT NULL,
  countries TEXT COLLATE "C" NOT NULL,
  regions TEXT COLLATE "C" NOT NULL,
  postal_codes TEXT COLLATE "C" NOT NULL
);

CREATE TABLE shipping_options (
  zone BIGINT NOT NULL REFERENCES shipping_zones (position) ON DELETE CASCADE,
  position BIGINT NOT NULL CHECK (position >= 0),
  code TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  measure TEXT COLLATE "C" NOT NULL,
  free_from BIGINT,
  PRIMARY KEY (zone, position)
);

CREATE TABLE shipping_steps (
  zone BIGINT NOT NULL,
  option BIGINT NOT NULL,
  position BIGINT NOT NULL CHECK (position >= 0),
  up_to BIGINT,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (zone, option, position),
  FOREIGN KEY (zone, option) REFERENCES shipping_options (zone, position) ON DELETE CASCADE
);

CREATE TABLE discount_codes (
  code TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  benefit TEXT COLLATE "C" NOT NULL CHECK (benefit IN ('percent', 'fixed', 'free-shipping')),
  benefit_value BIGINT NOT NULL CHECK (benefit_value >= 0),
  valid_from BIGINT,
  valid_until BIGINT,
  minimum_value BIGINT,
  limit_total BIGINT CHECK (limit_total > 0),
  limit_per_customer BIGINT CHECK (limit_per_customer > 0),
  is_combinable BIGINT NOT NULL CHECK (is_combinable IN (0, 1)),
  uses BIGINT NOT NULL CHECK (uses >= 0),
  version BIGINT NOT NULL CHECK (version > 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE discount_code_products (
  code TEXT COLLATE "C" NOT NULL REFERENCES discount_codes (code) ON DELETE CASCADE,
  position BIGINT NOT NULL CHECK (position >= 0),
  product_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (code, position)
);

CREATE TABLE code_holds (
  order_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('held', 'committed', 'released')),
  changed_at BIGINT NOT NULL
);

CREATE INDEX code_holds_released ON code_holds (changed_at) WHERE state = 'released';

CREATE TABLE code_uses (
  order_id TEXT COLLATE "C" NOT NULL REFERENCES code_holds (order_id) ON DELETE CASCADE,
  code TEXT COLLATE "C" NOT NULL REFERENCES discount_codes (code) ON DELETE CASCADE,
  account_id TEXT COLLATE "C",
  email_hash TEXT COLLATE "C" CHECK (length(email_hash) = 64),
  PRIMARY KEY (order_id, code)
);

CREATE INDEX code_uses_by_account ON code_uses (code, account_id);

CREATE INDEX code_uses_by_email ON code_uses (code, email_hash);
