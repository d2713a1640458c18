-- What was really charged and given back, by currency, counted as it happens: summing it up when somebody asks would read
-- every payment. The trigger compares a payment with what it was before, so a sum that is corrected later, a refund that did
-- not arrive for one, is right from then on. Sums are kept in thousand millions of minor units and the rest: no number of
-- payments lets one of the two overflow.
CREATE TABLE money_received (
  currency TEXT NOT NULL PRIMARY KEY,
  gross_high INTEGER NOT NULL,
  gross_low INTEGER NOT NULL,
  refunded_high INTEGER NOT NULL,
  refunded_low INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low)
SELECT currency, SUM(amount / 1000000000), SUM(amount % 1000000000),
  SUM(refunded_amount / 1000000000), SUM(refunded_amount % 1000000000)
FROM payments
WHERE status IN ('SUCCEEDED', 'REFUNDED')
GROUP BY currency;

CREATE TRIGGER money_of_new_payments_is_counted
AFTER INSERT ON payments
WHEN new.status IN ('SUCCEEDED', 'REFUNDED')
BEGIN
  INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low)
  VALUES (new.currency, new.amount / 1000000000, new.amount % 1000000000,
    new.refunded_amount / 1000000000, new.refunded_amount % 1000000000)
  ON CONFLICT (currency) DO UPDATE
  SET gross_high = gross_high + excluded.gross_high,
    gross_low = gross_low + excluded.gross_low,
    refunded_high = refunded_high + excluded.refunded_high,
    refunded_low = refunded_low + excluded.refunded_low;
END;

CREATE TRIGGER money_is_counted_anew
AFTER UPDATE OF status, refunded_amount ON payments
WHEN (new.status IN ('SUCCEEDED', 'REFUNDED')) <> (old.status IN ('SUCCEEDED', 'REFUNDED'))
  OR (new.status IN ('SUCCEEDED', 'REFUNDED') AND new.refunded_amount <> old.refunded_amount)
BEGIN
  INSERT INTO money_received (currency, gross_high, gross_low, refunded_high, refunded_low)
  VALUES (new.currency, 0, 0, 0, 0)
  ON CONFLICT (currency) DO NOTHING;
  UPDATE money_received
  SET gross_high = gross_high
      + (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.amount / 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.amount / 1000000000),
    gross_low = gross_low
      + (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.amount % 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.amount % 1000000000),
    refunded_high = refunded_high
      + (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.refunded_amount / 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.refunded_amount / 1000000000),
    refunded_low = refunded_low
      + (new.status IN ('SUCCEEDED', 'REFUNDED')) * (new.refunded_amount % 1000000000)
      - (old.status IN ('SUCCEEDED', 'REFUNDED')) * (old.refunded_amount % 1000000000)
  WHERE currency = new.currency;
END;

CREATE TRIGGER money_is_counted_no_more
AFTER DELETE ON payments
WHEN old.status IN ('SUCCEEDED', 'REFUNDED')
BEGIN
  UPDATE money_received
  SET gross_high = gross_high - old.amount / 1000000000,
    gross_low = gross_low - old.amount % 1000000000,
    refunded_high = refunded_high - old.refunded_amount / 1000000000,
    refunded_low = refunded_low - old.refunded_amount % 1000000000
  WHERE currency = old.currency;
END;
