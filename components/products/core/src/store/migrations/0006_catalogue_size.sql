-- How many products there are, so that nobody counts them for a list.
CREATE TABLE catalogue_size (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  products INTEGER NOT NULL CHECK (products >= 0)
) STRICT;

INSERT INTO catalogue_size (only_row, products)
SELECT 1, COUNT(*)
FROM catalogue_entries;

CREATE TRIGGER catalogue_grows
AFTER INSERT ON catalogue_entries
BEGIN
  UPDATE catalogue_size
  SET products = products + 1
  WHERE only_row = 1;
END;

CREATE TRIGGER catalogue_shrinks
AFTER DELETE ON catalogue_entries
BEGIN
  UPDATE catalogue_size
  SET products = products - 1
  WHERE only_row = 1;
END;
