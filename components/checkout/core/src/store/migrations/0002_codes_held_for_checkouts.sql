-- The checkout that an order came from: the uses that are held for it are free for that checkout alone.
ALTER TABLE code_holds ADD COLUMN checkout_id TEXT;

CREATE INDEX code_holds_by_checkout
  ON code_holds (checkout_id)
  WHERE state = 'held' AND checkout_id IS NOT NULL;
