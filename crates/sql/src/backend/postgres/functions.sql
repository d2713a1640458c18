-- What statements for both databases call, as SQLite has it. Lists of identifiers come in one parameter, so that the text of a
-- statement does not depend on how many there are.
CREATE OR REPLACE FUNCTION json_each(list TEXT) RETURNS TABLE (key BIGINT, value TEXT)
LANGUAGE sql IMMUTABLE ROWS 8 AS $$
  SELECT elements.place - 1, elements.element
  FROM json_array_elements_text(CAST(list AS JSON)) WITH ORDINALITY AS elements (element, place)
$$;

CREATE OR REPLACE FUNCTION json_extract(list TEXT, path TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$
  SELECT CAST(list AS JSON) ->> CAST(trim(BOTH '$[]' FROM path) AS INTEGER)
$$;

-- Which version of the schema this is, of which database, and which version of it the oldest program knows that can still work with it.
CREATE TABLE IF NOT EXISTS schema_version (
  only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
  version BIGINT NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  oldest_program BIGINT NOT NULL
);
