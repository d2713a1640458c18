-- Lists of what has changed lately: each index is in the order of its list and has all that the list may be narrowed by.
CREATE INDEX orders_by_update ON orders (updated_at, id, status, created_at);

CREATE INDEX orders_by_customer_and_update ON orders (customer_id, updated_at, id, status, created_at);

CREATE INDEX orders_by_status_and_update ON orders (status, updated_at, id, created_at);

-- The total that the customer saw, and the older order that this one takes the place of.
ALTER TABLE sagas ADD COLUMN expected_total INTEGER CHECK (expected_total >= 0);

ALTER TABLE sagas ADD COLUMN replaces TEXT;

CREATE INDEX sagas_by_replaced ON sagas (replaces) WHERE replaces IS NOT NULL;

-- What an order would have cost whose total was not the expected one. Such a saga is rejected for its lines.
CREATE TABLE saga_changed_lines (
  order_id TEXT NOT NULL REFERENCES sagas (order_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  name TEXT NOT NULL,
  unit_price INTEGER NOT NULL CHECK (unit_price >= 0),
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 10000),
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;
