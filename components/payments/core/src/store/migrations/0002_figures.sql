-- What operators watch is counted as it happens: counting it when they ask would read every payment. A trigger counts in
-- the transaction that it counts, so these numbers cannot differ from what they count.
CREATE TABLE payment_counts (
  status TEXT NOT NULL PRIMARY KEY,
  payments INTEGER NOT NULL CHECK (payments >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO payment_counts (status, payments)
VALUES ('PENDING', 0), ('SUCCEEDED', 0), ('FAILED', 0), ('CANCELLED', 0), ('REFUNDED', 0);

UPDATE payment_counts
SET payments = (SELECT COUNT(*) FROM payments WHERE payments.status = payment_counts.status);

CREATE TRIGGER payments_are_counted
AFTER INSERT ON payments
BEGIN
  UPDATE payment_counts SET payments = payments + 1 WHERE status = new.status;
END;

CREATE TRIGGER payments_are_counted_anew
AFTER UPDATE OF status ON payments
WHEN new.status <> old.status
BEGIN
  UPDATE payment_counts SET payments = payments - 1 WHERE status = old.status;
  UPDATE payment_counts SET payments = payments + 1 WHERE status = new.status;
END;

CREATE TRIGGER payments_are_counted_no_more
AFTER DELETE ON payments
BEGIN
  UPDATE payment_counts SET payments = payments - 1 WHERE status = old.status;
END;

-- What has happened since there is this table.
CREATE TABLE tallies (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  relay_runs INTEGER NOT NULL,
  published INTEGER NOT NULL,
  published_again INTEGER NOT NULL,
  handling_failures INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  refund_retries INTEGER NOT NULL
) STRICT;

INSERT INTO tallies (id, relay_runs, published, published_again, handling_failures, parked, refund_retries)
VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER relay_runs_are_counted
AFTER UPDATE ON settings
WHEN new.name = 'last_relay_run'
BEGIN
  UPDATE tallies SET relay_runs = relay_runs + 1;
END;

CREATE TRIGGER the_first_relay_run_is_counted
AFTER INSERT ON settings
WHEN new.name = 'last_relay_run'
BEGIN
  UPDATE tallies SET relay_runs = relay_runs + 1;
END;

CREATE TRIGGER published_events_are_counted
AFTER UPDATE OF attempts ON outbox
WHEN new.attempts > old.attempts
BEGIN
  UPDATE tallies
  SET published = published + 1, published_again = published_again + (old.attempts > 0);
END;

CREATE TRIGGER handling_failures_are_counted
AFTER UPDATE OF failures ON outbox
WHEN new.failures > old.failures
BEGIN
  UPDATE tallies SET handling_failures = handling_failures + 1;
END;

CREATE TRIGGER parked_events_are_counted
AFTER UPDATE OF parked ON outbox
WHEN new.parked > old.parked
BEGIN
  UPDATE tallies SET parked = parked + 1;
END;

CREATE TRIGGER refund_retries_are_counted
AFTER UPDATE OF attempts ON refunds
WHEN new.attempts > old.attempts
BEGIN
  UPDATE tallies SET refund_retries = refund_retries + 1;
END;
