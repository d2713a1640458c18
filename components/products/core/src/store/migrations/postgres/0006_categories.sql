-- The tree of categories. A path has the slugs from the top down, with slashes between them.
CREATE TABLE categories (
  id TEXT COLLATE "C" PRIMARY KEY CHECK (length(id) = 36),
  parent_id TEXT COLLATE "C" CHECK (parent_id <> id),
  name TEXT COLLATE "C" NOT NULL CHECK (name <> ''),
  slug TEXT COLLATE "C" NOT NULL CHECK (slug <> ''),
  path TEXT COLLATE "C" NOT NULL UNIQUE,
  position BIGINT NOT NULL CHECK (position >= 0),
  version BIGINT NOT NULL CHECK (version >= 1),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- The products of a category: those that were put in it, and those of the categories inside of it.
CREATE TABLE category_products (
  category_id TEXT COLLATE "C" NOT NULL REFERENCES categories (id),
  product_id TEXT COLLATE "C" NOT NULL REFERENCES products (id),
  PRIMARY KEY (category_id, product_id)
);

CREATE INDEX category_products_by_product ON category_products (product_id);

-- The categories that a product was put in: a list of identifiers in JSON.
ALTER TABLE products ADD COLUMN categories TEXT COLLATE "C" NOT NULL DEFAULT '[]';
