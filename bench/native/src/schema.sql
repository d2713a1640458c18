-- Money is in units of 1/10,000, times in milliseconds since the Unix epoch.
CREATE TABLE IF NOT EXISTS accounts (
  id BLOB NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('customer', 'admin')),
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sessions (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  refresh_token_hash BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS products (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL CHECK (name <> ''),
  description TEXT NOT NULL,
  sku TEXT UNIQUE,
  price INTEGER NOT NULL CHECK (price >= 0),
  stock INTEGER NOT NULL CHECK (stock >= 0),
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  sold INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0),
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS products_by_age ON products (created_at, id);

CREATE VIRTUAL TABLE IF NOT EXISTS products_by_word USING fts5 (
  name,
  sku,
  description,
  content = 'products',
  content_rowid = 'number',
  tokenize = 'unicode61 remove_diacritics 2',
  prefix = '1 2 3'
);

CREATE TRIGGER IF NOT EXISTS products_enter_search
AFTER INSERT ON products
BEGIN
  INSERT INTO products_by_word (rowid, name, sku, description)
  VALUES (new.number, new.name, new.sku, new.description);
END;

CREATE TRIGGER IF NOT EXISTS products_change_in_search
AFTER UPDATE OF name, sku, description ON products
BEGIN
  INSERT INTO products_by_word (products_by_word, rowid, name, sku, description)
  VALUES ('delete', old.number, old.name, old.sku, old.description);
  INSERT INTO products_by_word (rowid, name, sku, description)
  VALUES (new.number, new.name, new.sku, new.description);
END;

CREATE TABLE IF NOT EXISTS orders (
  id BLOB NOT NULL PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  customer_id BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID')),
  total_amount INTEGER NOT NULL CHECK (total_amount >= 0),
  total_items INTEGER NOT NULL CHECK (total_items > 0),
  receipt_id BLOB,
  paid_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id, id);

CREATE TABLE IF NOT EXISTS order_items (
  order_id BLOB NOT NULL REFERENCES orders (id),
  position INTEGER NOT NULL,
  product_id BLOB NOT NULL,
  name TEXT NOT NULL,
  unit_price INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS order_status_history (
  order_id BLOB NOT NULL REFERENCES orders (id),
  position INTEGER NOT NULL,
  from_status TEXT,
  to_status TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS payments (
  id BLOB NOT NULL PRIMARY KEY,
  order_id BLOB NOT NULL UNIQUE REFERENCES orders (id),
  session_id TEXT NOT NULL UNIQUE,
  session_expires_at INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED')),
  amount INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS idempotency_keys (
  customer_id BLOB NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  order_id BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (customer_id, key)
) STRICT, WITHOUT ROWID;
