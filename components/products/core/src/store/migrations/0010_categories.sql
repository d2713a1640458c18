-- The tree of categories. A path has the slugs from the top down, with slashes between them.
CREATE TABLE categories (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
  parent_id TEXT CHECK (parent_id <> id),
  name TEXT NOT NULL CHECK (name <> ''),
  slug TEXT NOT NULL CHECK (slug <> ''),
  path TEXT NOT NULL UNIQUE,
  position INTEGER NOT NULL CHECK (position >= 0),
  version INTEGER NOT NULL CHECK (version >= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- The products of a category: those that were put in it, and those of the categories inside of it.
CREATE TABLE category_products (
  category_id TEXT NOT NULL REFERENCES categories (id),
  product_id TEXT NOT NULL REFERENCES products (id),
  PRIMARY KEY (category_id, product_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX category_products_by_product
  ON category_products (product_id);

-- The categories that a product was put in: a list of identifiers in JSON.
ALTER TABLE products ADD COLUMN categories TEXT NOT NULL DEFAULT '[]';
