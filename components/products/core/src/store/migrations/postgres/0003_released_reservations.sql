-- The oldest are removed in this order, which needs no sorting then.
DROP INDEX reservations_released;

CREATE INDEX reservations_released ON reservations (updated_at, order_id) WHERE state = 'released';
