-- The checkout that an order came from: what is held for it is free for that checkout alone.
ALTER TABLE reservations ADD COLUMN checkout_id TEXT COLLATE "C";

CREATE INDEX reservations_by_checkout
  ON reservations (checkout_id)
  WHERE state = 'held' AND checkout_id IS NOT NULL;
