-- The events of an order are read in their order.
DROP INDEX outbox_of_order;

CREATE INDEX outbox_of_order ON outbox (order_id, sequence) WHERE acknowledged_at IS NULL;
