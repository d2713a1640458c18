-- Triggers that count write each table once.
DROP TRIGGER payments_are_counted_anew;

CREATE TRIGGER payments_are_counted_anew
AFTER UPDATE OF status ON payments
WHEN new.status <> old.status
BEGIN
  UPDATE payment_counts
  SET payments = payments + (status = new.status) - (status = old.status)
  WHERE status IN (old.status, new.status);
END;

DROP TRIGGER money_is_counted_anew;

CREATE TRIGGER money_is_counted_anew
AFTER UPDATE OF status, refunded_amount ON payments
WHEN (new.status IN ('SUCCEEDED', 'REFUNDED')) <> (old.status IN ('SUCCEEDED', 'REFUNDED'))
  OR (new.status IN ('SUCCEEDED', 'REFUNDED') AND new.refunded_amount <> old.refunded_amount)
BEGIN
  INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low)
  VALUES (new.currency,
    (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.amount / 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.amount / 1000000000),
    (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.amount % 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.amount % 1000000000),
    (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.refunded_amount / 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.refunded_amount / 1000000000),
    (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.refunded_amount % 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.refunded_amount % 1000000000))
  ON CONFLICT (currency) DO UPDATE
  SET gross_high = gross_high + excluded.gross_high,
    gross_low = gross_low + excluded.gross_low,
    refunded_high = refunded_high + excluded.refunded_high,
    refunded_low = refunded_low + excluded.refunded_low;
END;

DROP TRIGGER money_of_duplicates_and_disputes_is_counted;

CREATE TRIGGER money_of_duplicates_and_disputes_is_counted
AFTER UPDATE OF duplicates, duplicates_refunded, lost_to_disputes ON payments
WHEN new.duplicates <> old.duplicates OR new.duplicates_refunded <> old.duplicates_refunded
  OR new.lost_to_disputes <> old.lost_to_disputes
BEGIN
  INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low, lost_high, lost_low)
  VALUES (new.currency,
    new.duplicates / 1000000000 - old.duplicates / 1000000000,
    new.duplicates % 1000000000 - old.duplicates % 1000000000,
    new.duplicates_refunded / 1000000000 - old.duplicates_refunded / 1000000000,
    new.duplicates_refunded % 1000000000 - old.duplicates_refunded % 1000000000,
    new.lost_to_disputes / 1000000000 - old.lost_to_disputes / 1000000000,
    new.lost_to_disputes % 1000000000 - old.lost_to_disputes % 1000000000)
  ON CONFLICT (currency) DO UPDATE
  SET gross_high = gross_high + excluded.gross_high,
    gross_low = gross_low + excluded.gross_low,
    refunded_high = refunded_high + excluded.refunded_high,
    refunded_low = refunded_low + excluded.refunded_low,
    lost_high = lost_high + excluded.lost_high,
    lost_low = lost_low + excluded.lost_low;
END;

-- An event that is published right after its transaction counts as published in it. When it could not be published,
-- published_ahead remembers that one publication is counted already: a counter never goes back.
ALTER TABLE tallies ADD COLUMN published_ahead INTEGER NOT NULL DEFAULT 0 CHECK (published_ahead >= 0);

CREATE TRIGGER events_published_at_once_are_counted
AFTER INSERT ON outbox
WHEN new.attempts > 0
BEGIN
  UPDATE tallies SET published = published + 1;
END;

DROP TRIGGER published_events_are_counted;

CREATE TRIGGER published_events_are_counted
AFTER UPDATE OF attempts ON outbox
WHEN new.attempts > old.attempts
BEGIN
  UPDATE tallies
  SET published = published + (old.attempts > 0 OR published_ahead = 0),
    published_again = published_again + (old.attempts > 0),
    published_ahead = published_ahead - (old.attempts = 0 AND published_ahead > 0);
END;
