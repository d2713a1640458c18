-- Payments of orders that were checkouts: what each line costs and what discount codes take off it, and what comes on top or is taken
-- off besides. All other payments have none of it. Amounts are whole minor units.
ALTER TABLE payments ADD COLUMN email TEXT COLLATE "C";

ALTER TABLE checkout_lines ADD COLUMN amount BIGINT CHECK (amount >= 0);

ALTER TABLE checkout_lines ADD COLUMN discount BIGINT CHECK (discount BETWEEN 0 AND amount);

CREATE TABLE checkout_adjustments (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  position BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('discount', 'shipping', 'tax', 'included-tax')),
  label TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (payment_id, position)
);
