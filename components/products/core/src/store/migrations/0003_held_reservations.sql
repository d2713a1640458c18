-- Reservations that wait for a payment: how many, and since when.
CREATE INDEX reservations_held
  ON reservations (created_at)
  WHERE state = 'held';
