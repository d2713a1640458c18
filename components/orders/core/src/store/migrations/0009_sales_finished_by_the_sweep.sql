-- The sweep records for many orders at a time that their stock is sold and their event acknowledged. Its first look at these is no
-- retry of anything.
DROP TRIGGER follow_up_retries_are_counted;

CREATE TRIGGER follow_up_retries_are_counted
AFTER UPDATE OF attempts ON follow_ups
WHEN new.attempts > old.attempts AND (old.attempts > 0 OR old.task NOT IN ('commit-stock', 'acknowledge'))
BEGIN
  UPDATE tallies SET follow_up_retries = follow_up_retries + 1;
END;
