-- The version of the payment that the order has heard of: events that tell of an older one are no news. A refund that fails
-- takes the order back to where it was; its units stay on sale if they were put there.
ALTER TABLE orders ADD COLUMN payment_version INTEGER NOT NULL DEFAULT 0;

ALTER TABLE orders ADD COLUMN stock_returned INTEGER NOT NULL DEFAULT 0 CHECK (stock_returned IN (0, 1));

UPDATE orders
SET stock_returned = 1
WHERE status = 'REFUNDED'
  AND NOT EXISTS (
    SELECT 1
    FROM order_status_history AS change
    WHERE change.order_id = orders.id AND change.to_status = 'DELIVERED');
