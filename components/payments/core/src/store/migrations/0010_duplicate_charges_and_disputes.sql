-- A duplicate charge is one that the customer paid beside the payment's own; its refund is written down with it. NULL for
-- refunds of the payment's own charge, of which one at a time may be pending.
ALTER TABLE refunds ADD COLUMN duplicate_charge TEXT;

DROP INDEX refunds_one_pending;

CREATE UNIQUE INDEX refunds_one_pending ON refunds (payment_id) WHERE status = 'PENDING' AND duplicate_charge IS NULL;

CREATE UNIQUE INDEX refunds_by_duplicate_charge ON refunds (duplicate_charge) WHERE duplicate_charge IS NOT NULL;

CREATE INDEX refunds_of_duplicate_charges ON refunds (payment_id) WHERE duplicate_charge IS NOT NULL;

-- Disputes as the provider knows them; told_at and created_at are the provider's, in seconds, and created_at is 0 when it is
-- not known. A dispute is of nobody as long as no payment has named its charge.
CREATE TABLE disputes (
  dispute_id TEXT NOT NULL PRIMARY KEY,
  reference TEXT NOT NULL,
  payment_id TEXT REFERENCES payments (id) ON DELETE CASCADE,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  reason TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'CLOSED', 'WON', 'LOST')),
  told_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX disputes_by_payment ON disputes (payment_id, created_at, dispute_id) WHERE payment_id IS NOT NULL;

CREATE INDEX disputes_of_nobody_by_reference ON disputes (reference) WHERE payment_id IS NULL;

CREATE INDEX disputes_of_nobody ON disputes (received_at) WHERE payment_id IS NULL;

CREATE INDEX disputes_open ON disputes (dispute_id) WHERE status = 'OPEN' AND payment_id IS NOT NULL;

ALTER TABLE payments ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0 CHECK (duplicates >= 0);

ALTER TABLE payments ADD COLUMN duplicates_refunded INTEGER NOT NULL DEFAULT 0
  CHECK (duplicates_refunded BETWEEN 0 AND duplicates);

ALTER TABLE payments ADD COLUMN is_disputed INTEGER NOT NULL DEFAULT 0 CHECK (is_disputed IN (0, 1));

ALTER TABLE payments ADD COLUMN lost_to_disputes INTEGER NOT NULL DEFAULT 0 CHECK (lost_to_disputes >= 0);

ALTER TABLE money_received ADD COLUMN lost_high INTEGER NOT NULL DEFAULT 0;

ALTER TABLE money_received ADD COLUMN lost_low INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER money_of_duplicates_and_disputes_is_counted
AFTER UPDATE OF duplicates, duplicates_refunded, lost_to_disputes ON payments
WHEN new.duplicates <> old.duplicates OR new.duplicates_refunded <> old.duplicates_refunded
  OR new.lost_to_disputes <> old.lost_to_disputes
BEGIN
  INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low)
  VALUES (new.currency, 0, 0, 0, 0)
  ON CONFLICT (currency) DO NOTHING;
  UPDATE money_received
  SET gross_high = gross_high + new.duplicates / 1000000000 - old.duplicates / 1000000000,
    gross_low = gross_low + new.duplicates % 1000000000 - old.duplicates % 1000000000,
    refunded_high = refunded_high + new.duplicates_refunded / 1000000000 - old.duplicates_refunded / 1000000000,
    refunded_low = refunded_low + new.duplicates_refunded % 1000000000 - old.duplicates_refunded % 1000000000,
    lost_high = lost_high + new.lost_to_disputes / 1000000000 - old.lost_to_disputes / 1000000000,
    lost_low = lost_low + new.lost_to_disputes % 1000000000 - old.lost_to_disputes % 1000000000
  WHERE currency = new.currency;
END;

-- Counted since the database can.
ALTER TABLE tallies ADD COLUMN duplicate_charges INTEGER NOT NULL DEFAULT 0;

ALTER TABLE tallies ADD COLUMN disputes INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER duplicate_charges_are_counted
AFTER INSERT ON refunds
WHEN new.duplicate_charge IS NOT NULL
BEGIN
  UPDATE tallies SET duplicate_charges = duplicate_charges + 1;
END;

CREATE TRIGGER refused_refunds_of_duplicate_charges_are_counted
AFTER UPDATE OF status ON refunds
WHEN new.duplicate_charge IS NOT NULL AND new.status = 'FAILED' AND old.status = 'PENDING'
BEGIN
  UPDATE tallies SET refunds_failed = refunds_failed + 1;
END;

CREATE TRIGGER disputes_are_counted
AFTER INSERT ON disputes
WHEN new.payment_id IS NOT NULL
BEGIN
  UPDATE tallies SET disputes = disputes + 1;
END;

CREATE TRIGGER adopted_disputes_are_counted
AFTER UPDATE OF payment_id ON disputes
WHEN new.payment_id IS NOT NULL AND old.payment_id IS NULL
BEGIN
  UPDATE tallies SET disputes = disputes + 1;
END;
