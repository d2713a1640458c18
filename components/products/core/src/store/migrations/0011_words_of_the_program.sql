-- The program makes the words, so that every database has the same: it writes them between spaces, which this tokenizer takes as they
-- are. Until it has made those of a product, which others may have written, the product is found by the words of ASCII in its texts.
-- Only what is published has words.
DROP TRIGGER products_enter_search;

DROP TRIGGER products_change_in_search;

DROP TRIGGER products_leave_search;

DROP TRIGGER products_return_to_search;

DROP TRIGGER products_are_gone_from_search;

DROP TABLE catalogue_words;

DROP TABLE products_by_word;

CREATE VIRTUAL TABLE products_by_word USING fts5 (
  name,
  sku,
  description,
  content = '',
  contentless_delete = 1,
  tokenize = 'ascii',
  prefix = '1 2 3'
);

INSERT INTO products_by_word (rowid, name, sku, description)
SELECT number, name, sku, description
FROM catalogue_entries JOIN products ON id = product_id;

CREATE VIRTUAL TABLE catalogue_words USING fts5vocab (products_by_word, instance);

-- Which version of the program has made the words; 0 when nobody has made them of these texts. What is of another version is made anew,
-- some at a time.
ALTER TABLE catalogue_entries ADD COLUMN words_version INTEGER NOT NULL DEFAULT 0;

CREATE INDEX catalogue_entries_by_words ON catalogue_entries (words_version, number);

CREATE TRIGGER products_enter_catalogue
AFTER INSERT ON products
WHEN new.deleted_at IS NULL AND new.status = 'published'
BEGIN
  INSERT INTO catalogue_entries (product_id, name_chars)
  VALUES (new.id, length(new.name));
  INSERT INTO products_by_word (rowid, name, sku, description)
  SELECT number, new.name, new.sku, new.description
  FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_change_in_catalogue
AFTER UPDATE OF name, sku, description ON products
WHEN old.deleted_at IS NULL AND old.status = 'published'
  AND new.deleted_at IS NULL AND new.status = 'published'
  AND (old.name IS NOT new.name OR old.sku IS NOT new.sku OR old.description IS NOT new.description)
BEGIN
  UPDATE catalogue_entries
  SET name_chars = length(new.name), words_version = 0
  WHERE product_id = new.id;
  UPDATE products_by_word
  SET name = new.name, sku = new.sku, description = new.description
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = new.id);
END;

CREATE TRIGGER products_leave_catalogue
AFTER UPDATE OF deleted_at, status ON products
WHEN old.deleted_at IS NULL AND old.status = 'published'
  AND (new.deleted_at IS NOT NULL OR new.status <> 'published')
BEGIN
  DELETE FROM products_by_word
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = new.id);
  DELETE FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_return_to_catalogue
AFTER UPDATE OF deleted_at, status ON products
WHEN (old.deleted_at IS NOT NULL OR old.status <> 'published')
  AND new.deleted_at IS NULL AND new.status = 'published'
BEGIN
  INSERT INTO catalogue_entries (product_id, name_chars)
  VALUES (new.id, length(new.name));
  INSERT INTO products_by_word (rowid, name, sku, description)
  SELECT number, new.name, new.sku, new.description
  FROM catalogue_entries
  WHERE product_id = new.id;
END;

CREATE TRIGGER products_are_gone_from_catalogue
BEFORE DELETE ON products
WHEN old.deleted_at IS NULL AND old.status = 'published'
BEGIN
  DELETE FROM products_by_word
  WHERE rowid = (SELECT number FROM catalogue_entries WHERE product_id = old.id);
  DELETE FROM catalogue_entries
  WHERE product_id = old.id;
END;
