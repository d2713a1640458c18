-- One row for each product that is not deleted: the number by which the index below knows it. The rowid of `products`
-- would not do: it is no column of the table, so VACUUM may give it out anew. The length of its name is what a search
-- needs of every product that it finds.
CREATE TABLE catalogue_entries (
  number INTEGER PRIMARY KEY,
  product_id TEXT NOT NULL UNIQUE REFERENCES products (id),
  name_chars INTEGER NOT NULL
) STRICT;

-- The words of those products; the texts themselves stay in `products`.
CREATE VIRTUAL TABLE products_by_word USING fts5 (
  name,
  sku,
  description,
  content = '',
  contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2',
  prefix = '2 3'
);

INSERT INTO catalogue_entries (product_id, name_chars)
SELECT id, length(name)
FROM products
WHERE deleted_at IS NULL
ORDER BY created_at, id;

INSERT INTO products_by_word (rowid, name, sku, description)
SELECT number, name, sku, description
FROM catalogue_entries JOIN products ON id = product_id;

-- Whoever writes products keeps the index in step, in the same transaction.
CREATE TRIGGER products_enter_search
AFTER INSERT ON products
WHEN new.deleted_at IS NULL
BEGIN
  INSERT INTO catalogue_entries (product_id, name_chars)
  VALUES (new.id, length(new.name));
  INSERT INTO products_by_word (rowid, name, sku, description)
  SELECT number, new.name, new.sku, new.description
  FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_change_in_search
AFTER UPDATE OF name, sku, description ON products
WHEN old.deleted_at IS NULL
  AND new.deleted_at IS NULL
  AND (old.name IS NOT new.name OR old.sku IS NOT new.sku OR old.description IS NOT new.description)
BEGIN
  UPDATE catalogue_entries
  SET name_chars = length(new.name)
  WHERE product_id = new.id;
  UPDATE products_by_word
  SET name = new.name, sku = new.sku, description = new.description
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = new.id);
END;

CREATE TRIGGER products_leave_search
AFTER UPDATE OF deleted_at ON products
WHEN old.deleted_at IS NULL
  AND new.deleted_at IS NOT NULL
BEGIN
  DELETE FROM products_by_word
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = new.id);
  DELETE FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_return_to_search
AFTER UPDATE OF deleted_at ON products
WHEN old.deleted_at IS NOT NULL
  AND new.deleted_at IS NULL
BEGIN
  INSERT INTO catalogue_entries (product_id, name_chars)
  VALUES (new.id, length(new.name));
  INSERT INTO products_by_word (rowid, name, sku, description)
  SELECT number, new.name, new.sku, new.description
  FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_are_gone_from_search
BEFORE DELETE ON products
WHEN old.deleted_at IS NULL
BEGIN
  DELETE FROM products_by_word
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = old.id);
  DELETE FROM catalogue_entries
  WHERE product_id = old.id;
END;

-- The order of a list by the last change; the other orders have their indexes already.
CREATE INDEX products_by_change
  ON products (updated_at, id)
  WHERE deleted_at IS NULL;

-- What is for sale at which price: both conditions of the commonest filter, counted and listed from one index, which
-- orders change only when they take the last unit.
CREATE INDEX products_for_sale_by_price
  ON products (price, id)
  WHERE deleted_at IS NULL AND stock > 0;
