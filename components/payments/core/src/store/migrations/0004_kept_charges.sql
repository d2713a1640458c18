-- What was told of charges before the session that they were made in: until then nobody knows whether they are the payment's.
CREATE TABLE kept_charges (
  payment_id TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  reference TEXT NOT NULL,
  receipt_url TEXT,
  refunded INTEGER NOT NULL CHECK (refunded >= 0),
  received_at INTEGER NOT NULL,
  PRIMARY KEY (payment_id, reference)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_charges_by_age ON kept_charges (received_at);
