-- A session in which nobody is to pay any more is ended at the provider, who is asked until it says that the session is
-- over. end_at is when it is to be asked next; none while the customer may pay.
ALTER TABLE sessions ADD COLUMN is_over INTEGER NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1));

ALTER TABLE sessions ADD COLUMN end_at INTEGER;

ALTER TABLE sessions ADD COLUMN end_attempts INTEGER NOT NULL DEFAULT 0 CHECK (end_attempts >= 0);

-- No provider keeps one open for longer than a day after the end that it was given.
UPDATE sessions
SET is_over = 1
WHERE coalesce(expires_at, requested_expiry) < (unixepoch() - 86400) * 1000;

UPDATE sessions
SET end_at = 0
WHERE is_over = 0
  AND EXISTS (
    SELECT 1
    FROM payments
    WHERE payments.id = sessions.payment_id AND (payments.status <> 'PENDING' OR payments.session_number > sessions.number));

CREATE INDEX sessions_to_end ON sessions (end_at) WHERE is_over = 0 AND end_at IS NOT NULL;

CREATE TRIGGER sessions_of_decided_payments_end
AFTER UPDATE OF status ON payments
WHEN old.status = 'PENDING' AND new.status <> 'PENDING'
BEGIN
  UPDATE sessions SET end_at = new.updated_at WHERE payment_id = new.id AND is_over = 0 AND end_at IS NULL;
END;

CREATE TRIGGER sessions_that_are_replaced_end
AFTER UPDATE OF session_number ON payments
WHEN new.session_number > old.session_number
BEGIN
  UPDATE sessions
  SET end_at = new.updated_at
  WHERE payment_id = new.id AND number < new.session_number AND is_over = 0 AND end_at IS NULL;
END;
