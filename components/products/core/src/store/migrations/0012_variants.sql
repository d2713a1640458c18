-- Products with options, and their variants: further rows of this table, each with its own price and stock, which are in no list. The
-- columns of a product say what it is as a whole; those of a variant what tells it apart.
ALTER TABLE products ADD COLUMN options TEXT NOT NULL DEFAULT '[]';

ALTER TABLE products ADD COLUMN variant_of TEXT REFERENCES products (id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE products ADD COLUMN position INTEGER NOT NULL DEFAULT 0 CHECK (position >= 0);

ALTER TABLE products ADD COLUMN choices TEXT NOT NULL DEFAULT '[]';

-- A variant may draw on the stock of another product or variant: so many of its units for one of its own.
ALTER TABLE products ADD COLUMN draws_from TEXT REFERENCES products (id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE products ADD COLUMN draws_units INTEGER NOT NULL DEFAULT 1 CHECK (draws_units >= 1);

-- 1 from when on a variant draws on the stock of this one.
ALTER TABLE products ADD COLUMN is_drawn INTEGER NOT NULL DEFAULT 0;

-- Of a product with options: the highest price of its variants (`price` is the lowest), and how many units of them could be sold; of
-- every product, `available` is what could be sold of it.
ALTER TABLE products ADD COLUMN price_to INTEGER CHECK (price_to >= price);

ALTER TABLE products ADD COLUMN offered INTEGER CHECK (offered >= 0);

ALTER TABLE products ADD COLUMN available INTEGER GENERATED ALWAYS AS (coalesce(offered, stock)) VIRTUAL;

CREATE INDEX variants_by_product
  ON products (variant_of, position, id)
  WHERE variant_of IS NOT NULL;

CREATE INDEX variants_by_item
  ON products (draws_from, id)
  WHERE draws_from IS NOT NULL;

-- What is held of a variant is held of its stock item: so many of that one's units. Without one the product is its own.
ALTER TABLE reservation_lines ADD COLUMN item_id TEXT REFERENCES products (id);

ALTER TABLE reservation_lines ADD COLUMN units INTEGER CHECK (units > 0);

ALTER TABLE reservation_lines ADD COLUMN choices TEXT NOT NULL DEFAULT '[]';

-- A product offers what its variants have free. Two of them that draw on the same stock sell the same units, so each stock counts
-- once, by the variant that takes the fewest units of it.
CREATE TRIGGER variants_change_what_is_offered
AFTER UPDATE OF stock ON products
WHEN new.variant_of IS NOT NULL AND new.is_drawn = 0 AND new.draws_from IS NULL AND new.deleted_at IS NULL AND new.stock <> old.stock
BEGIN
  UPDATE products
  SET offered = offered + new.stock - old.stock
  WHERE id = new.variant_of;
END;

CREATE TRIGGER drawn_stock_changes_what_is_offered
AFTER UPDATE OF stock ON products
WHEN new.is_drawn = 1 AND new.stock <> old.stock
BEGIN
  UPDATE products
  SET offered = (
    SELECT coalesce(SUM(units), 0)
    FROM (
      SELECT item.stock / MIN(v.draws_units) AS units
      FROM products AS v JOIN products AS item ON item.id = coalesce(v.draws_from, v.id)
      WHERE v.variant_of = products.id AND v.deleted_at IS NULL
      GROUP BY item.id, item.stock) AS items)
  WHERE id IN (
    SELECT variant_of FROM products WHERE draws_from = new.id AND deleted_at IS NULL
    UNION
    SELECT new.variant_of WHERE new.variant_of IS NOT NULL);
END;

-- Lists are of products as a whole.
DROP INDEX products_by_age;

CREATE INDEX products_by_age
  ON products (status, created_at, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL;

DROP INDEX products_by_change;

CREATE INDEX products_by_change
  ON products (status, updated_at, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL;

DROP INDEX products_by_name;

CREATE INDEX products_by_name
  ON products (status, name_key, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL;

DROP INDEX products_by_price;

CREATE INDEX products_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL;

DROP INDEX products_by_stock;

CREATE INDEX products_by_stock
  ON products (status, available, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL;

DROP INDEX products_for_sale_by_price;

CREATE INDEX products_for_sale_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL AND available > 0;

DROP INDEX products_sold_out_by_price;

CREATE INDEX products_sold_out_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL AND variant_of IS NULL AND available = 0;

-- What has a stock of its own, by how much of it is free.
CREATE INDEX stock_items
  ON products (stock, id)
  WHERE deleted_at IS NULL AND draws_from IS NULL;
