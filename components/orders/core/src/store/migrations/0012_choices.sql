-- What was chosen of the options of a line's product: names and values, as JSON. There were no options before.
ALTER TABLE order_items ADD COLUMN choices TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(choices));

ALTER TABLE saga_changed_lines ADD COLUMN choices TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(choices));
