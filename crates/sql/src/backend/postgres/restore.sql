-- What a database of the tests has beside its schema: a copy of its first content, and what puts it back.
CREATE SCHEMA first;

-- The planner takes every table for a large one, so that it chooses among indexes as in a large shop. It reckons by the pages that a
-- table has: so an empty one is given a page, by a row that no rule allows and that is taken back.
CREATE FUNCTION first.give_page(name TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  rule TEXT;
BEGIN
  BEGIN
    FOR rule IN SELECT conname FROM pg_constraint WHERE conrelid = name::regclass LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', name, rule);
    END LOOP;
    FOR rule IN
      SELECT attname
      FROM pg_attribute
      WHERE attrelid = name::regclass AND attnum > 0 AND attnotnull AND attidentity = '' AND NOT attisdropped
    LOOP
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', name, rule);
    END LOOP;
    EXECUTE format('INSERT INTO %s DEFAULT VALUES', name);
    RAISE EXCEPTION 'it is taken back';
  EXCEPTION WHEN raise_exception THEN
    NULL;
  END;
END
$$;

-- The function that puts the first content back is written out for the tables that there are, so that its statements are prepared once.
-- Large tables are emptied at once, small ones row by row, which is quicker.
DO $do$
DECLARE
  tables CURSOR FOR SELECT format('public.%I', tablename) AS name, format('first.%I', tablename) AS copy
    FROM pg_tables WHERE schemaname = 'public';
  sequences CURSOR FOR SELECT format('public.%I', sequencename) AS name
    FROM pg_sequences WHERE schemaname = 'public';
  is_filled BOOLEAN;
  truncated TEXT := '';
  paged TEXT := '';
  emptied TEXT := '';
  filled TEXT := '';
  names TEXT[] := '{}';
BEGIN
  FOR this IN tables LOOP
    EXECUTE format('CREATE TABLE %s AS SELECT * FROM %s', this.copy, this.name);
    -- Nothing else may say how large it is.
    EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', this.name);
    truncated := truncated || format(
      'IF pg_relation_size(%1$L) > 100000 THEN TRUNCATE %1$s CASCADE; END IF;', this.name);
    paged := paged || format(
      'IF pg_relation_size(%1$L) = 0 THEN PERFORM first.give_page(%1$L); END IF;', this.name);
    emptied := emptied || format('DELETE FROM %s;', this.name);
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', this.name) INTO is_filled;
    IF is_filled THEN
      filled := filled || format('INSERT INTO %s SELECT * FROM %s;', this.name, this.copy);
    END IF;
    names := names || this.name;
  END LOOP;
  FOR this IN sequences LOOP
    filled := filled || format('PERFORM setval(%L, 1, FALSE);', this.name);
  END LOOP;
  filled := filled || format(
    'UPDATE pg_class SET relpages = 1, reltuples = 1000000 WHERE oid = ANY (%L::regclass[]) AND reltuples <> 1000000;',
    names);
  EXECUTE format(
    'CREATE FUNCTION first.restore() RETURNS VOID LANGUAGE plpgsql
    SET session_replication_role = replica
    SET auto_explain.log_min_duration = -1
    SET enable_seqscan = on AS %L',
    'BEGIN ' || truncated || paged || emptied || filled || 'END');
END
$do$;
