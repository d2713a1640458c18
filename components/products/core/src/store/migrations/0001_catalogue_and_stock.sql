-- Money is in units of 1/10,000, times in milliseconds since the Unix epoch.
CREATE TABLE products (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
  name TEXT NOT NULL CHECK (name <> ''),
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  sku TEXT CHECK (sku <> ''),
  price INTEGER NOT NULL CHECK (price >= 0),
  stock INTEGER NOT NULL CHECK (stock >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  sold INTEGER NOT NULL CHECK (sold >= 0),
  version INTEGER NOT NULL CHECK (version >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE UNIQUE INDEX products_by_sku
  ON products (sku)
  WHERE deleted_at IS NULL;

CREATE INDEX products_by_age
  ON products (created_at, id)
  WHERE deleted_at IS NULL;

CREATE INDEX products_by_name
  ON products (name_key, id)
  WHERE deleted_at IS NULL;

CREATE INDEX products_by_price
  ON products (price, id)
  WHERE deleted_at IS NULL;

CREATE INDEX products_by_stock
  ON products (stock, id)
  WHERE deleted_at IS NULL;

-- What admins put in and take out. For every product the sum of free_after - free_before is stock + reserved + sold.
CREATE TABLE stock_book (
  product_id TEXT NOT NULL REFERENCES products (id),
  version INTEGER NOT NULL,
  free_before INTEGER NOT NULL CHECK (free_before >= 0),
  free_after INTEGER NOT NULL CHECK (free_after >= 0),
  at INTEGER NOT NULL,
  PRIMARY KEY (product_id, version)
) STRICT, WITHOUT ROWID;

-- For every product reserved is the sum of its lines that are held, and sold of those that are committed.
CREATE TABLE reservations (
  order_id TEXT NOT NULL PRIMARY KEY CHECK (length(order_id) = 36),
  state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'restocked')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reservation_lines (
  order_id TEXT NOT NULL REFERENCES reservations (order_id),
  product_id TEXT NOT NULL REFERENCES products (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
) STRICT, WITHOUT ROWID;
