-- Changes of counts are folded by whoever adds the thousandth since the last time, not only when the sweep finds something to do: so
-- their number is bounded, whatever runs and however fast. One transaction folds at a time; others go on without. These keys are
-- none of those that the program takes, which are one number each.
CREATE OR REPLACE FUNCTION changes_are_folded() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF pg_try_advisory_xact_lock(1, 1) THEN
    WITH folded AS (
      DELETE FROM count_changes
      WHERE number IN (SELECT number FROM count_changes ORDER BY number LIMIT 10000) -- plan: the oldest, by their index
      RETURNING counter, change)
    INSERT INTO count_changes (counter, change)
    SELECT counter, SUM(change)
    FROM folded
    GROUP BY counter;
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER changes_are_folded ON sweeper;

CREATE TRIGGER changes_are_folded
AFTER INSERT ON count_changes
FOR EACH ROW WHEN (new.number % 1000 = 0)
EXECUTE FUNCTION changes_are_folded();
