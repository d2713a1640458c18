-- What operators watch is counted as it happens: counting it when they ask would read every order. A trigger counts in
-- the transaction that it counts, so these numbers cannot differ from what they count.
CREATE TABLE order_counts (
  status TEXT NOT NULL PRIMARY KEY,
  orders INTEGER NOT NULL CHECK (orders >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO order_counts (status, orders)
VALUES ('PENDING', 0), ('PAID', 0), ('DELIVERED', 0), ('CANCELLED', 0), ('REFUNDED', 0);

UPDATE order_counts
SET orders = (SELECT COUNT(*) FROM orders WHERE orders.status = order_counts.status);

CREATE TRIGGER orders_are_counted
AFTER INSERT ON orders
BEGIN
  UPDATE order_counts SET orders = orders + 1 WHERE status = new.status;
END;

CREATE TRIGGER orders_are_counted_anew
AFTER UPDATE OF status ON orders
WHEN new.status <> old.status
BEGIN
  UPDATE order_counts SET orders = orders - 1 WHERE status = old.status;
  UPDATE order_counts SET orders = orders + 1 WHERE status = new.status;
END;

CREATE TRIGGER orders_are_counted_no_more
AFTER DELETE ON orders
BEGIN
  UPDATE order_counts SET orders = orders - 1 WHERE status = old.status;
END;

-- What has happened since there is this table.
CREATE TABLE tallies (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sweeps INTEGER NOT NULL,
  events_applied INTEGER NOT NULL,
  order_retries INTEGER NOT NULL,
  follow_up_retries INTEGER NOT NULL
) STRICT;

INSERT INTO tallies (id, sweeps, events_applied, order_retries, follow_up_retries)
VALUES (1, 0, 0, 0, 0);

CREATE TRIGGER sweeps_are_counted
AFTER UPDATE OF last_run_at ON sweeper
BEGIN
  UPDATE tallies SET sweeps = sweeps + 1;
END;

CREATE TRIGGER applied_events_are_counted
AFTER INSERT ON inbox
BEGIN
  UPDATE tallies SET events_applied = events_applied + 1;
END;

-- The first attempt of the sweeper at an order is none of its retries.
CREATE TRIGGER order_retries_are_counted
AFTER UPDATE OF attempts ON sagas
WHEN new.attempts > old.attempts AND old.attempts > 0
BEGIN
  UPDATE tallies SET order_retries = order_retries + 1;
END;

-- Its first attempt at a follow-up is: the request that left it has tried before.
CREATE TRIGGER follow_up_retries_are_counted
AFTER UPDATE OF attempts ON follow_ups
WHEN new.attempts > old.attempts
BEGIN
  UPDATE tallies SET follow_up_retries = follow_up_retries + 1;
END;
