-- oldest-program: 5
-- How a product is shown. Those of before are published, and have a slug that is made of their names; admins choose others.
ALTER TABLE products ADD COLUMN slug TEXT COLLATE "C" CHECK (slug <> '');

ALTER TABLE products ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'published' CHECK (status <> '');

ALTER TABLE products ADD COLUMN media TEXT COLLATE "C" NOT NULL DEFAULT '[]';

ALTER TABLE products ADD COLUMN attributes TEXT COLLATE "C" NOT NULL DEFAULT '{}';

-- What the program makes of letters with marks, for the names that are there already. An apostrophe and a mark that stands by itself part
-- nothing; anything else that is no letter and no digit does.
UPDATE products
SET slug = nullif(rtrim(left(ltrim(regexp_replace(translate(
  regexp_replace(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(name_key, 'ß', 'ss'), 'æ', 'ae'), 'þ', 'th'), 'ĳ', 'ij'), 'œ', 'oe'), 'ǆ', 'dz'), 'ǉ', 'lj'), 'ǌ', 'nj'), 'ǣ', 'ae'), 'ǳ', 'dz'), 'ǽ', 'ae'),
    '[''’\u0300-\u036f]', '', 'g'),
  'ª²³¹ºàáâãäåçèéêëìíîïðñòóôõöøùúûüýÿāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįıĵķĺļľłńņňŋōŏőŕŗřśŝşšţťŧũūŭůűųŵŷźżžſơưǎǐǒǔǖǘǚǜǟǡǧǩǫǭǰǵǹǻǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ',
  'a231oaaaaaaceeeeiiiidnoooooouuuuyyaaaccccddeeeeegggghhiiiiijkllllnnnnooorrrsssstttuuuuuuwyzzzsouaiouuuuuaagkoojgnaoaaeeiioorruusthaeooooyabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwysaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyy'),
  '[^a-z0-9]+', '-', 'g'), '-'), 80), '-'), '');

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

CREATE UNIQUE INDEX products_by_slug ON products (slug) WHERE deleted_at IS NULL;

-- Slugs that products had before: they lead on to the new ones.
CREATE TABLE former_slugs (
  slug TEXT COLLATE "C" PRIMARY KEY,
  product_id TEXT COLLATE "C" NOT NULL REFERENCES products (id),
  until BIGINT NOT NULL
);

CREATE INDEX former_slugs_by_product ON former_slugs (product_id, until, slug);

-- A list is of one status: every order begins with it.
DROP INDEX products_by_age;

CREATE INDEX products_by_age ON products (status, created_at, id) WHERE deleted_at IS NULL;

DROP INDEX products_by_change;

CREATE INDEX products_by_change ON products (status, updated_at, id) WHERE deleted_at IS NULL;

DROP INDEX products_by_name;

CREATE INDEX products_by_name ON products (status, name_key, id) WHERE deleted_at IS NULL;

DROP INDEX products_by_price;

CREATE INDEX products_by_price ON products (status, price, id) WHERE deleted_at IS NULL;

DROP INDEX products_by_stock;

CREATE INDEX products_by_stock ON products (status, stock, id) WHERE deleted_at IS NULL;

DROP INDEX products_for_sale_by_price;

CREATE INDEX products_for_sale_by_price ON products (status, price, id) WHERE deleted_at IS NULL AND stock > 0;

DROP INDEX products_sold_out_by_price;

CREATE INDEX products_sold_out_by_price ON products (status, price, id) WHERE deleted_at IS NULL AND stock = 0;

-- The words, and the number of products, are of those that are published.
CREATE OR REPLACE FUNCTION new_products_enter_catalogue() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO catalogue_entries (product_id, name_chars)
  SELECT id, length(name)
  FROM new_products
  WHERE deleted_at IS NULL AND status = 'published';
  RETURN NULL;
END
$$;

DROP TRIGGER products_leave_catalogue ON products;

CREATE TRIGGER products_leave_catalogue
AFTER UPDATE OF deleted_at, status ON products
FOR EACH ROW WHEN (old.deleted_at IS NULL AND old.status = 'published' AND (new.deleted_at IS NOT NULL OR new.status <> 'published'))
EXECUTE FUNCTION product_leaves_catalogue();

DROP TRIGGER products_return_to_catalogue ON products;

CREATE TRIGGER products_return_to_catalogue
AFTER UPDATE OF deleted_at, status ON products
FOR EACH ROW WHEN ((old.deleted_at IS NOT NULL OR old.status <> 'published') AND new.deleted_at IS NULL AND new.status = 'published')
EXECUTE FUNCTION product_enters_catalogue();
