-- Which version of the program has made the words; 0 when nobody has made them of these texts. What is of another version is made anew,
-- some at a time. Programs of earlier versions go on beside: what they write is made anew, too.
ALTER TABLE catalogue_entries ADD COLUMN words_version BIGINT NOT NULL DEFAULT 0;

CREATE INDEX catalogue_entries_by_words ON catalogue_entries (words_version, number);

CREATE OR REPLACE FUNCTION product_changes_in_catalogue() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  UPDATE catalogue_entries
  SET name_chars = length(new.name), words_version = 0
  WHERE product_id = new.id;
  RETURN NULL;
END
$$;

DROP TRIGGER products_change_in_catalogue ON products;

CREATE TRIGGER products_change_in_catalogue
AFTER UPDATE OF name, sku, description ON products
FOR EACH ROW WHEN (old.deleted_at IS NULL AND new.deleted_at IS NULL
  AND (old.name <> new.name OR old.sku IS DISTINCT FROM new.sku OR old.description <> new.description))
EXECUTE FUNCTION product_changes_in_catalogue();
