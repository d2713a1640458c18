-- Payments that ended without money are removed when nobody asks for them any more, the oldest first.
CREATE INDEX payments_unpaid ON payments (updated_at) WHERE status IN ('CANCELLED', 'FAILED');

-- A payment is removed with everything that refers to it.
CREATE INDEX webhooks_by_payment ON webhooks (payment_id);

CREATE INDEX refunds_by_payment ON refunds (payment_id);

CREATE INDEX outbox_by_payment ON outbox (payment_id);
