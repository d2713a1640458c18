-- How a product is shown. Those of before are published, and have a slug that is made of their names; admins choose others.
ALTER TABLE products ADD COLUMN slug TEXT CHECK (slug <> '');

ALTER TABLE products ADD COLUMN status TEXT NOT NULL DEFAULT 'published' CHECK (status <> '');

ALTER TABLE products ADD COLUMN media TEXT NOT NULL DEFAULT '[]';

ALTER TABLE products ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';

-- What the program makes of letters with marks, for the names that are there already.
CREATE TABLE slug_letters (plain TEXT NOT NULL, letters TEXT NOT NULL) STRICT;

INSERT INTO slug_letters (plain, letters) VALUES
  ('1', '¹'),
  ('2', '²'),
  ('3', '³'),
  ('a', 'ªàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ'),
  ('ae', 'æǣǽ'),
  ('b', 'ḃḅḇ'),
  ('c', 'çćĉċčḉ'),
  ('d', 'ðďđḋḍḏḑḓ'),
  ('dz', 'ǆǳ'),
  ('e', 'èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ'),
  ('f', 'ḟ'),
  ('g', 'ĝğġģǧǵḡ'),
  ('h', 'ĥħȟḣḥḧḩḫẖ'),
  ('i', 'ìíîïĩīĭįıǐȉȋḭḯỉị'),
  ('ij', 'ĳ'),
  ('j', 'ĵǰ'),
  ('k', 'ķǩḱḳḵ'),
  ('l', 'ĺļľłḷḹḻḽ'),
  ('lj', 'ǉ'),
  ('m', 'ḿṁṃ'),
  ('n', 'ñńņňŋǹṅṇṉṋ'),
  ('nj', 'ǌ'),
  ('o', 'ºòóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ'),
  ('oe', 'œ'),
  ('p', 'ṕṗ'),
  ('r', 'ŕŗřȑȓṙṛṝṟ'),
  ('s', 'śŝşšſșṡṣṥṧṩẛ'),
  ('ss', 'ß'),
  ('t', 'ţťŧțṫṭṯṱẗ'),
  ('th', 'þ'),
  ('u', 'ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự'),
  ('v', 'ṽṿ'),
  ('w', 'ŵẁẃẅẇẉẘ'),
  ('x', 'ẋẍ'),
  ('y', 'ýÿŷȳẏẙỳỵỷỹ'),
  ('z', 'źżžẑẓẕ');

CREATE TABLE plain_letters (letter TEXT NOT NULL PRIMARY KEY, plain TEXT NOT NULL) STRICT, WITHOUT ROWID;

WITH RECURSIVE each (plain, letter, rest) AS (
  SELECT plain, substr(letters, 1, 1), substr(letters, 2)
  FROM slug_letters
  UNION ALL
  SELECT plain, substr(rest, 1, 1), substr(rest, 2)
  FROM each
  WHERE rest <> '')
INSERT INTO plain_letters (letter, plain)
SELECT letter, plain
FROM each;

-- Names of plain words are made at once, for there may be many.
UPDATE products
SET slug = rtrim(substr(replace(name_key, ' ', '-'), 1, 80), '-')
WHERE name_key NOT GLOB '*[^a-z0-9 ]*'
  AND name_key NOT LIKE '%  %'
  AND name_key GLOB '[a-z0-9]*';

-- One letter after the other: `rest` is what is left of the name, in small letters, and `made` what was made so far. An apostrophe and
-- a mark that stands by itself part nothing; anything else that is no letter and no digit does.
UPDATE products
SET slug = (
  WITH RECURSIVE cut (rest, made) AS (
    SELECT products.name_key, ''
    UNION ALL
    SELECT substr(rest, 2), made || CASE
      WHEN substr(rest, 1, 1) BETWEEN 'a' AND 'z' OR substr(rest, 1, 1) BETWEEN '0' AND '9' THEN substr(rest, 1, 1)
      WHEN substr(rest, 1, 1) IN ('''', '’') OR unicode(rest) BETWEEN 768 AND 879 THEN ''
      ELSE coalesce(
        (SELECT plain FROM plain_letters WHERE letter = substr(rest, 1, 1)),
        CASE WHEN made = '' OR made LIKE '%-' THEN '' ELSE '-' END)
      END
    FROM cut
    WHERE rest <> '' AND length(made) < 80)
  SELECT nullif(rtrim(substr(made, 1, 80), '-'), '')
  FROM cut
  WHERE rest = '' OR length(made) >= 80
  LIMIT 1)
WHERE slug IS NULL;

-- The end of the identifier tells those apart that would have the same slug, or one that means something else.
UPDATE products
SET slug = coalesce(slug, 'product') || '-' || substr(id, 25)
WHERE slug IS NULL
  OR slug IN ('export', 'import', 'stats')
  OR slug LIKE '________-____-____-____-____________'
  OR id IN (
    SELECT id
    FROM (
      SELECT id, ROW_NUMBER() OVER (PARTITION BY slug ORDER BY deleted_at IS NOT NULL, created_at, id) AS place
      FROM products) AS placed
    WHERE place > 1);

DROP TABLE plain_letters;

DROP TABLE slug_letters;

CREATE UNIQUE INDEX products_by_slug
  ON products (slug)
  WHERE deleted_at IS NULL;

-- Slugs that products had before: they lead on to the new ones.
CREATE TABLE former_slugs (
  slug TEXT NOT NULL PRIMARY KEY,
  product_id TEXT NOT NULL REFERENCES products (id),
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX former_slugs_by_product
  ON former_slugs (product_id, until, slug);

-- A list is of one status: every order begins with it.
DROP INDEX products_by_age;

CREATE INDEX products_by_age
  ON products (status, created_at, id)
  WHERE deleted_at IS NULL;

DROP INDEX products_by_change;

CREATE INDEX products_by_change
  ON products (status, updated_at, id)
  WHERE deleted_at IS NULL;

DROP INDEX products_by_name;

CREATE INDEX products_by_name
  ON products (status, name_key, id)
  WHERE deleted_at IS NULL;

DROP INDEX products_by_price;

CREATE INDEX products_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL;

DROP INDEX products_by_stock;

CREATE INDEX products_by_stock
  ON products (status, stock, id)
  WHERE deleted_at IS NULL;

DROP INDEX products_for_sale_by_price;

CREATE INDEX products_for_sale_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL AND stock > 0;

DROP INDEX products_sold_out_by_price;

CREATE INDEX products_sold_out_by_price
  ON products (status, price, id)
  WHERE deleted_at IS NULL AND stock = 0;
