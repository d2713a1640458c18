-- What an order holds, and the hash of the client's network that it was asked from, as long as it is unpaid.
ALTER TABLE sagas ADD COLUMN units INTEGER NOT NULL DEFAULT 0 CHECK (units >= 0);

ALTER TABLE sagas ADD COLUMN client TEXT;

UPDATE sagas
SET units = (SELECT COALESCE(SUM(quantity), 0) FROM saga_lines WHERE saga_lines.order_id = sagas.order_id)
WHERE step IN ('new', 'reserved', 'ready', 'closing');

-- What accounts and clients hold unpaid, and how many orders they began in a minute and on a day that began with the
-- first of them. A trigger counts in the transaction that it counts, so these numbers cannot differ from what they count.
CREATE TABLE holders (
  holder TEXT NOT NULL PRIMARY KEY,
  open_orders INTEGER NOT NULL CHECK (open_orders >= 0),
  held_units INTEGER NOT NULL CHECK (held_units >= 0),
  minute_began_at INTEGER NOT NULL,
  minute_orders INTEGER NOT NULL,
  day_began_at INTEGER NOT NULL,
  day_orders INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO holders (holder, open_orders, held_units, minute_began_at, minute_orders, day_began_at, day_orders)
SELECT customer_id, COUNT(*), SUM(units), 0, 0, 0, 0
FROM sagas
WHERE step IN ('new', 'reserved', 'ready', 'closing')
GROUP BY customer_id;

-- Who holds nothing any more is forgotten when its day is over.
CREATE INDEX holders_idle ON holders (day_began_at) WHERE open_orders = 0;

CREATE TRIGGER begun_orders_are_held
AFTER INSERT ON sagas
BEGIN
  INSERT INTO holders (holder, open_orders, held_units, minute_began_at, minute_orders, day_began_at, day_orders)
  SELECT value, 1, new.units, new.created_at, 1, new.created_at, 1
  FROM json_each(json_array(new.customer_id, new.client))
  WHERE value IS NOT NULL
  ON CONFLICT (holder) DO UPDATE
  SET open_orders = open_orders + 1,
    held_units = held_units + new.units,
    minute_orders = iif(new.created_at - minute_began_at BETWEEN 0 AND 59999, minute_orders + 1, 1),
    minute_began_at = iif(new.created_at - minute_began_at BETWEEN 0 AND 59999, minute_began_at, new.created_at),
    day_orders = iif(new.created_at - day_began_at BETWEEN 0 AND 86399999, day_orders + 1, 1),
    day_began_at = iif(new.created_at - day_began_at BETWEEN 0 AND 86399999, day_began_at, new.created_at);
END;

CREATE TRIGGER ended_orders_are_held_no_more
AFTER UPDATE OF step ON sagas
WHEN old.step IN ('new', 'reserved', 'ready', 'closing') AND new.step IN ('done', 'rejected')
BEGIN
  UPDATE holders
  SET open_orders = open_orders - 1, held_units = held_units - old.units
  WHERE holder IN (old.customer_id, old.client);
END;

-- The lines of a request are needed until its stock is held: the order has them from then on.
CREATE TRIGGER lines_are_kept_until_stock_is_held
AFTER UPDATE OF step ON sagas
WHEN old.step = 'new' AND new.step <> 'new'
BEGIN
  DELETE FROM saga_lines WHERE order_id = new.order_id;
END;

-- Cancelled orders are removed when nobody asks for them any more, unless money has moved for them. A change of the
-- history that is none of the status tells of money: a payment that came too late, a refund that was refused.
ALTER TABLE orders ADD COLUMN money_moved INTEGER NOT NULL DEFAULT 0 CHECK (money_moved IN (0, 1));

UPDATE orders
SET money_moved = 1
WHERE status = 'CANCELLED'
  AND EXISTS (
    SELECT 1
    FROM order_status_history AS remark
    WHERE remark.order_id = orders.id AND remark.from_status = remark.to_status);

CREATE TRIGGER remarks_keep_their_order
AFTER INSERT ON order_status_history
WHEN new.from_status = new.to_status
BEGIN
  UPDATE orders SET money_moved = 1 WHERE id = new.order_id AND money_moved = 0;
END;

CREATE INDEX orders_unpaid ON orders (updated_at) WHERE status = 'CANCELLED' AND money_moved = 0;
