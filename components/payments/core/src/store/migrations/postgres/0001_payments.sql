-- Amounts are whole minor units, times milliseconds since the Unix epoch. What is true or false is 1 or 0, as in SQLite.
CREATE TABLE payments (
  id TEXT COLLATE "C" PRIMARY KEY,
  order_id TEXT COLLATE "C" NOT NULL UNIQUE,
  customer_id TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  refunded_amount BIGINT NOT NULL CHECK (refunded_amount BETWEEN 0 AND amount),
  currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'REFUNDED')),
  provider TEXT COLLATE "C" NOT NULL,
  session_number BIGINT NOT NULL CHECK (session_number >= 1),
  provider_reference TEXT COLLATE "C",
  receipt_url TEXT COLLATE "C",
  reason TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL CHECK (version >= 1),
  failed_refunds BIGINT NOT NULL DEFAULT 0 CHECK (failed_refunds >= 0),
  refund_failure TEXT COLLATE "C",
  is_processing BIGINT NOT NULL DEFAULT 0 CHECK (is_processing IN (0, 1)),
  duplicates BIGINT NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
  duplicates_refunded BIGINT NOT NULL DEFAULT 0 CHECK (duplicates_refunded BETWEEN 0 AND duplicates),
  is_disputed BIGINT NOT NULL DEFAULT 0 CHECK (is_disputed IN (0, 1)),
  lost_to_disputes BIGINT NOT NULL DEFAULT 0 CHECK (lost_to_disputes >= 0),
  order_number TEXT COLLATE "C",
  CHECK (refunded_amount = 0 OR status IN ('SUCCEEDED', 'REFUNDED')),
  CHECK (status <> 'REFUNDED' OR refunded_amount = amount)
);

CREATE INDEX payments_by_reference ON payments (provider_reference) WHERE provider_reference IS NOT NULL;

-- Payments that ended without money are removed when nobody asks for them any more, the oldest first.
CREATE INDEX payments_unpaid ON payments (updated_at) WHERE status IN ('CANCELLED', 'FAILED');

-- A row is written before the provider is asked; provider_id, url and expires_at are its answer. simulated_outcome is what the
-- customer of a simulated provider did first. A session in which nobody is to pay any more is ended at the provider, who is asked
-- until it says that the session is over. end_at is when it is to be asked next; none while the customer may pay.
CREATE TABLE sessions (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  number BIGINT NOT NULL CHECK (number >= 1),
  requested_expiry BIGINT NOT NULL,
  provider_id TEXT COLLATE "C" UNIQUE,
  url TEXT COLLATE "C",
  expires_at BIGINT,
  simulated_outcome TEXT COLLATE "C" CHECK (simulated_outcome IN ('succeed', 'fail', 'cancel')),
  is_over BIGINT NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1)),
  end_at BIGINT,
  end_attempts BIGINT NOT NULL DEFAULT 0 CHECK (end_attempts >= 0),
  PRIMARY KEY (payment_id, number),
  CHECK ((provider_id IS NULL) = (url IS NULL) AND (provider_id IS NULL) = (expires_at IS NULL))
);

CREATE INDEX sessions_to_end ON sessions (end_at) WHERE is_over = 0 AND end_at IS NOT NULL;

-- unit_price is in units of 1/10,000 of the currency.
CREATE TABLE checkout_lines (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  position BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  unit_price BIGINT NOT NULL CHECK (unit_price >= 0),
  quantity BIGINT NOT NULL CHECK (quantity >= 1),
  PRIMARY KEY (payment_id, position)
);

CREATE TABLE webhooks (
  event_id TEXT COLLATE "C" PRIMARY KEY,
  event_type TEXT COLLATE "C" NOT NULL,
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  received_at BIGINT NOT NULL
);

CREATE INDEX webhooks_by_age ON webhooks (received_at);

CREATE INDEX webhooks_by_payment ON webhooks (payment_id);

-- error is the provider's refusal. A duplicate charge is one that the customer paid beside the payment's own; its refund is
-- written down with it. NULL for refunds of the payment's own charge, of which one at a time may be pending.
CREATE TABLE refunds (
  id TEXT COLLATE "C" PRIMARY KEY,
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  amount BIGINT NOT NULL CHECK (amount >= 0),
  refunded_before BIGINT NOT NULL CHECK (refunded_before >= 0),
  reason TEXT COLLATE "C",
  idempotency_key TEXT COLLATE "C" UNIQUE,
  fingerprint BYTEA NOT NULL,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED')),
  provider_id TEXT COLLATE "C",
  error TEXT COLLATE "C",
  attempts BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  answer_status BIGINT,
  answer_body BYTEA,
  duplicate_charge TEXT COLLATE "C",
  CHECK (status <> 'FAILED' OR error IS NOT NULL)
);

CREATE UNIQUE INDEX refunds_one_pending ON refunds (payment_id) WHERE status = 'PENDING' AND duplicate_charge IS NULL;

CREATE UNIQUE INDEX refunds_by_duplicate_charge ON refunds (duplicate_charge) WHERE duplicate_charge IS NOT NULL;

CREATE INDEX refunds_of_duplicate_charges ON refunds (payment_id) WHERE duplicate_charge IS NOT NULL;

CREATE INDEX refunds_due ON refunds (next_attempt_at) WHERE status = 'PENDING';

CREATE INDEX refunds_answered ON refunds (updated_at) WHERE answer_status IS NOT NULL;

CREATE INDEX refunds_by_payment ON refunds (payment_id);

CREATE INDEX refunds_by_provider_id ON refunds (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE outbox (
  sequence BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  event_id TEXT COLLATE "C" NOT NULL UNIQUE,
  event_type TEXT COLLATE "C" NOT NULL CHECK (event_type IN ('succeeded', 'failed', 'cancelled', 'refunded', 'updated')),
  time BIGINT NOT NULL,
  order_id TEXT COLLATE "C" NOT NULL,
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id),
  payment_version BIGINT NOT NULL DEFAULT 0,
  amount BIGINT NOT NULL,
  refunded_amount BIGINT NOT NULL,
  currency TEXT COLLATE "C" NOT NULL,
  provider_reference TEXT COLLATE "C",
  receipt_url TEXT COLLATE "C",
  reason TEXT COLLATE "C",
  attempts BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  parked BIGINT NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
  next_attempt_at BIGINT NOT NULL,
  last_error TEXT COLLATE "C",
  acknowledged_at BIGINT
);

CREATE INDEX outbox_waiting ON outbox (sequence) WHERE acknowledged_at IS NULL;

CREATE INDEX outbox_of_order ON outbox (order_id) WHERE acknowledged_at IS NULL;

CREATE INDEX outbox_acknowledged ON outbox (acknowledged_at) WHERE acknowledged_at IS NOT NULL;

CREATE INDEX outbox_by_payment ON outbox (payment_id);

-- One row per name: the signing secret made at first use, the relay's last run, the pause of publishing.
CREATE TABLE settings (
  name TEXT COLLATE "C" PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

-- Orders that were cancelled before they had a payment: none may be opened for them any more.
CREATE TABLE refused_orders (
  order_id TEXT COLLATE "C" PRIMARY KEY,
  at BIGINT NOT NULL
);

CREATE INDEX refused_orders_by_age ON refused_orders (at);

-- What was told of charges before the session that they were made in: until then nobody knows whether they are the payment's.
CREATE TABLE kept_charges (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  reference TEXT COLLATE "C" NOT NULL,
  receipt_url TEXT COLLATE "C",
  refunded BIGINT NOT NULL CHECK (refunded >= 0),
  received_at BIGINT NOT NULL,
  PRIMARY KEY (payment_id, reference)
);

CREATE INDEX kept_charges_by_age ON kept_charges (received_at);

-- Refunds as the provider knows them: what has gone back is computed from these, whatever the order in which they were told.
-- created_at and failed_at are the provider's, in seconds; created_at is 0 when it is not known. A refund is of nobody as long as
-- no payment has named its charge.
CREATE TABLE provider_refunds (
  refund_id TEXT COLLATE "C" PRIMARY KEY,
  reference TEXT COLLATE "C" NOT NULL,
  payment_id TEXT COLLATE "C" REFERENCES payments (id) ON DELETE CASCADE,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  created_at BIGINT NOT NULL,
  failed_at BIGINT,
  failure TEXT COLLATE "C",
  received_at BIGINT NOT NULL,
  CHECK ((failed_at IS NULL) = (failure IS NULL))
);

CREATE INDEX provider_refunds_by_reference ON provider_refunds (reference);

CREATE INDEX provider_refunds_by_payment ON provider_refunds (payment_id) WHERE payment_id IS NOT NULL;

CREATE INDEX provider_refunds_of_nobody ON provider_refunds (received_at) WHERE payment_id IS NULL;

-- Sums of refunds as they were told of a charge, and between which seconds that was.
CREATE TABLE refund_totals (
  payment_id TEXT COLLATE "C" NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
  reference TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  total BIGINT NOT NULL CHECK (total >= 0),
  PRIMARY KEY (payment_id, reference, since, until)
);

-- Disputes as the provider knows them; told_at and created_at are the provider's, in seconds, and created_at is 0 when it is not
-- known. A dispute is of nobody as long as no payment has named its charge.
CREATE TABLE disputes (
  dispute_id TEXT COLLATE "C" PRIMARY KEY,
  reference TEXT COLLATE "C" NOT NULL,
  payment_id TEXT COLLATE "C" REFERENCES payments (id) ON DELETE CASCADE,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  currency TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3),
  reason TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('OPEN', 'CLOSED', 'WON', 'LOST')),
  told_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL
);

CREATE INDEX disputes_by_payment ON disputes (payment_id, created_at, dispute_id) WHERE payment_id IS NOT NULL;

CREATE INDEX disputes_of_nobody_by_reference ON disputes (reference) WHERE payment_id IS NULL;

CREATE INDEX disputes_of_nobody ON disputes (received_at) WHERE payment_id IS NULL;

CREATE INDEX disputes_open ON disputes (dispute_id) WHERE status = 'OPEN' AND payment_id IS NOT NULL;

-- A session whose payment is decided, or has a newer one, is to be ended.
CREATE FUNCTION sessions_end() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions
  SET end_at = new.updated_at
  WHERE payment_id = new.id
    AND (number < new.session_number OR new.status <> 'PENDING')
    AND is_over = 0
    AND end_at IS NULL;
  RETURN NULL;
END
$$;

CREATE TRIGGER sessions_of_decided_payments_end
AFTER UPDATE OF status ON payments
FOR EACH ROW WHEN (old.status = 'PENDING' AND new.status <> 'PENDING')
EXECUTE FUNCTION sessions_end();

CREATE TRIGGER sessions_that_are_replaced_end
AFTER UPDATE OF session_number ON payments
FOR EACH ROW WHEN (new.session_number > old.session_number)
EXECUTE FUNCTION sessions_end();
