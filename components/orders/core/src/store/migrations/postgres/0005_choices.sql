-- What was chosen of the options of a line's product: names and values, as JSON. There were no options before.
ALTER TABLE order_items
ADD COLUMN choices TEXT COLLATE "C" NOT NULL DEFAULT '[]' CHECK (CAST(choices AS JSON) IS NOT NULL);

ALTER TABLE saga_changed_lines
ADD COLUMN choices TEXT COLLATE "C" NOT NULL DEFAULT '[]' CHECK (CAST(choices AS JSON) IS NOT NULL);
