-- What products are chosen and counted by: their attributes and options, with all values that each has. Those of products that are
-- deleted are not in it.
CREATE TABLE product_facets (
  name TEXT NOT NULL CHECK (name <> ''),
  value TEXT NOT NULL CHECK (value <> ''),
  product_id TEXT NOT NULL REFERENCES products (id),
  PRIMARY KEY (name, value, product_id)
) STRICT, WITHOUT ROWID;

INSERT INTO product_facets (name, value, product_id)
SELECT 'attribute.' || own.key, own.value, p.id
FROM products AS p, json_each(p.attributes) AS own
WHERE p.deleted_at IS NULL AND p.attributes <> '{}';

CREATE INDEX product_facets_by_product
  ON product_facets (product_id, name, value);
