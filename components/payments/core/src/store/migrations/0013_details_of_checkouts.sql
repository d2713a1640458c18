-- Payments of orders that were checkouts: what each line costs and what discount codes take off it, and what comes on top or is taken
-- off besides. All other payments have none of it. Amounts are whole minor units.
ALTER TABLE payments ADD COLUMN email TEXT;

ALTER TABLE checkout_lines ADD COLUMN amount INTEGER CHECK (amount >= 0);

ALTER TABLE checkout_lines ADD COLUMN discount INTEGER CHECK (discount BETWEEN 0 AND amount);

CREATE TABLE checkout_adjustments (
  payment_id TEXT NOT NULL REFERENCES payments (id),
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('discount', 'shipping', 'tax', 'included-tax')),
  label TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (payment_id, position)
) STRICT, WITHOUT ROWID;
