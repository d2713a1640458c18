-- What checkouts reckon taxes and shipping by. A weight is in grams; 0 when nobody has said it.
ALTER TABLE products ADD COLUMN tax_class TEXT NOT NULL DEFAULT 'standard' CHECK (tax_class <> '');

ALTER TABLE products ADD COLUMN weight INTEGER NOT NULL DEFAULT 0 CHECK (weight >= 0);
