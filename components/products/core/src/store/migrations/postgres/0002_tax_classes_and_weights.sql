-- What checkouts reckon taxes and shipping by. A weight is in grams; 0 when nobody has said it.
ALTER TABLE products ADD COLUMN tax_class TEXT COLLATE "C" NOT NULL DEFAULT 'standard' CHECK (tax_class <> '');

ALTER TABLE products ADD COLUMN weight BIGINT NOT NULL DEFAULT 0 CHECK (weight >= 0);
