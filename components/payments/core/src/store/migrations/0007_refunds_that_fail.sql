-- Refunds as the provider knows them: what has gone back is computed from these, whatever the order in which they were told.
-- created_at and failed_at are the provider's, in seconds; created_at is 0 when it is not known. A refund is of nobody as
-- long as no payment has named its charge.
CREATE TABLE provider_refunds (
  refund_id TEXT NOT NULL PRIMARY KEY,
  reference TEXT NOT NULL,
  payment_id TEXT REFERENCES payments (id) ON DELETE CASCADE,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  created_at INTEGER NOT NULL,
  failed_at INTEGER,
  failure TEXT,
  received_at INTEGER NOT NULL,
  CHECK ((failed_at IS NULL) = (failure IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX provider_refunds_by_reference ON provider_refunds (reference);

CREATE INDEX provider_refunds_by_payment ON provider_refunds (payment_id) WHERE payment_id IS NOT NULL;

CREATE INDEX provider_refunds_of_nobody ON provider_refunds (received_at) WHERE payment_id IS NULL;

-- Sums of refunds as they were told of a charge, and between which seconds that was.
CREATE TABLE refund_totals (
  payment_id TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  reference TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  total INTEGER NOT NULL CHECK (total >= 0),
  PRIMARY KEY (payment_id, reference, since, until)
) STRICT, WITHOUT ROWID;

INSERT INTO provider_refunds (refund_id, reference, payment_id, amount, created_at, received_at)
SELECT refunds.provider_id, payments.provider_reference, payments.id, refunds.amount, 0, refunds.updated_at
FROM refunds
JOIN payments ON payments.id = refunds.payment_id
WHERE refunds.status = 'SUCCEEDED' AND refunds.provider_id IS NOT NULL AND payments.provider_reference IS NOT NULL
ON CONFLICT (refund_id) DO NOTHING;

INSERT INTO refund_totals (payment_id, reference, since, until, total)
SELECT id, provider_reference, 0, unixepoch(), refunded_amount
FROM payments
WHERE refunded_amount > 0 AND provider_reference IS NOT NULL;

INSERT INTO refund_totals (payment_id, reference, since, until, total)
SELECT payment_id, reference, 0, unixepoch(), refunded
FROM kept_charges
WHERE refunded > 0
ON CONFLICT DO NOTHING;

ALTER TABLE payments ADD COLUMN failed_refunds INTEGER NOT NULL DEFAULT 0 CHECK (failed_refunds >= 0);

ALTER TABLE payments ADD COLUMN refund_failure TEXT;

-- Refunds that are made by hand know only their charge.
CREATE INDEX payments_by_reference ON payments (provider_reference) WHERE provider_reference IS NOT NULL;

-- A refund that fails is found by the provider's id.
CREATE INDEX refunds_by_provider_id ON refunds (provider_id) WHERE provider_id IS NOT NULL;

-- The outbox again, with one more type of event and the version that the payment had.
CREATE TABLE new_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  event_type TEXT NOT NULL CHECK (event_type IN ('succeeded', 'failed', 'cancelled', 'refunded', 'updated')),
  time INTEGER NOT NULL,
  order_id TEXT NOT NULL,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  payment_version INTEGER NOT NULL DEFAULT 0,
  amount INTEGER NOT NULL,
  refunded_amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  provider_reference TEXT,
  receipt_url TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  parked INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
  next_attempt_at INTEGER NOT NULL,
  last_error TEXT,
  acknowledged_at INTEGER
) STRICT;

INSERT INTO new_outbox (sequence, event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
  provider_reference, receipt_url, reason, attempts, failures, parked, next_attempt_at, last_error, acknowledged_at)
SELECT sequence, event_id, event_type, time, order_id, payment_id, amount, refunded_amount, currency,
  provider_reference, receipt_url, reason, attempts, failures, parked, next_attempt_at, last_error, acknowledged_at
FROM outbox;

-- Numbers go on where they were, also when the last events have been removed.
DELETE FROM sqlite_sequence
WHERE name = 'new_outbox';

INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_outbox', seq
FROM sqlite_sequence
WHERE name = 'outbox';

DROP TABLE outbox;

ALTER TABLE new_outbox RENAME TO outbox;

CREATE INDEX outbox_waiting ON outbox (sequence) WHERE acknowledged_at IS NULL;

CREATE INDEX outbox_of_order ON outbox (order_id) WHERE acknowledged_at IS NULL;

CREATE INDEX outbox_acknowledged ON outbox (acknowledged_at) WHERE acknowledged_at IS NOT NULL;

CREATE INDEX outbox_by_payment ON outbox (payment_id);

CREATE TRIGGER published_events_are_counted
AFTER UPDATE OF attempts ON outbox
WHEN new.attempts > old.attempts
BEGIN
  UPDATE tallies
  SET published = published + 1, published_again = published_again + (old.attempts > 0);
END;

CREATE TRIGGER handling_failures_are_counted
AFTER UPDATE OF failures ON outbox
WHEN new.failures > old.failures
BEGIN
  UPDATE tallies SET handling_failures = handling_failures + 1;
END;

CREATE TRIGGER parked_events_are_counted
AFTER UPDATE OF parked ON outbox
WHEN new.parked > old.parked
BEGIN
  UPDATE tallies SET parked = parked + 1;
END;

-- Refunds of this shop's charges that the provider had taken and could not make.
ALTER TABLE tallies ADD COLUMN refunds_failed INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER failed_refunds_are_counted
AFTER UPDATE OF failed_at, payment_id ON provider_refunds
WHEN new.failed_at IS NOT NULL AND new.payment_id IS NOT NULL AND (old.failed_at IS NULL OR old.payment_id IS NULL)
BEGIN
  UPDATE tallies SET refunds_failed = refunds_failed + 1;
END;

CREATE TRIGGER refunds_that_come_failed_are_counted
AFTER INSERT ON provider_refunds
WHEN new.failed_at IS NOT NULL AND new.payment_id IS NOT NULL
BEGIN
  UPDATE tallies SET refunds_failed = refunds_failed + 1;
END;
