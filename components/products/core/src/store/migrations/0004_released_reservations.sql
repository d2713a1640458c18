-- Reservations that were given back are removed when nobody can ask for their orders any more, the oldest first.
CREATE INDEX reservations_released
  ON reservations (updated_at)
  WHERE state = 'released';
