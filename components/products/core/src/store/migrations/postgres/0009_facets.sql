-- What products are chosen and counted by: their attributes and options, with all values that each has. Those of products that are
-- deleted are not in it.
CREATE TABLE product_facets (
  name TEXT COLLATE "C" NOT NULL CHECK (name <> ''),
  value TEXT COLLATE "C" NOT NULL CHECK (value <> ''),
  product_id TEXT COLLATE "C" NOT NULL REFERENCES products (id),
  PRIMARY KEY (name, value, product_id)
);

INSERT INTO product_facets (name, value, product_id)
SELECT 'attribute.' || own.key, own.value, p.id
FROM products AS p CROSS JOIN json_each_text(CAST(p.attributes AS JSON)) AS own
WHERE p.deleted_at IS NULL AND p.attributes <> '{}';

CREATE INDEX product_facets_by_product ON product_facets (product_id, name, value);

-- Programs of earlier versions go on beside and know nothing of this table: what they write of attributes is entered for them. What
-- the program of this version enters is there already then.
CREATE FUNCTION product_changes_facets() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM product_facets AS f
  WHERE f.product_id = new.id
    AND (new.deleted_at IS NOT NULL OR starts_with(f.name, 'attribute.') AND (f.name, f.value) NOT IN (
      SELECT 'attribute.' || own.key, own.value
      FROM json_each_text(CAST(new.attributes AS JSON)) AS own));
  INSERT INTO product_facets (name, value, product_id)
  SELECT 'attribute.' || own.key, own.value, new.id
  FROM json_each_text(CAST(new.attributes AS JSON)) AS own
  WHERE new.deleted_at IS NULL
  ON CONFLICT (name, value, product_id) DO NOTHING;
  RETURN NULL;
END
$$;

CREATE TRIGGER products_enter_facets
AFTER INSERT ON products
FOR EACH ROW WHEN (new.attributes <> '{}')
EXECUTE FUNCTION product_changes_facets();

CREATE TRIGGER products_change_facets
AFTER UPDATE OF attributes, deleted_at ON products
FOR EACH ROW WHEN (old.attributes <> new.attributes OR old.deleted_at IS DISTINCT FROM new.deleted_at)
EXECUTE FUNCTION product_changes_facets();
