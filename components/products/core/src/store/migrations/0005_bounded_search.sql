-- The words anew, with an index of single first letters too: without it a search for one letter merges the lists of all
-- words that begin with it before it finds the first product.
DROP TABLE products_by_word;

CREATE VIRTUAL TABLE products_by_word USING fts5 (
  name,
  sku,
  description,
  content = '',
  contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2',
  prefix = '1 2 3'
);

INSERT INTO products_by_word (rowid, name, sku, description)
SELECT number, name, sku, description
FROM catalogue_entries JOIN products ON id = product_id;

-- The words themselves: which ones begin like the one that is being typed.
CREATE VIRTUAL TABLE catalogue_words USING fts5vocab (products_by_word, instance);

-- What is sold out at which price, as `products_for_sale_by_price` is of what is for sale.
CREATE INDEX products_sold_out_by_price
  ON products (price, id)
  WHERE deleted_at IS NULL AND stock = 0;
