-- oldest-program: 7
-- What a payment is for never changes, and is read as a whole: one row with one document, instead of rows of three tables. A line has the
-- members name, unit_price (in units of 1/10,000 of the currency) and quantity, and amount and discount when the order was a checkout. Such
-- an order has details, too. Amounts are whole minor units.
CREATE TABLE payment_contents (
  payment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES payments (id),
  document TEXT COLLATE "C" NOT NULL CHECK (CAST(document AS JSON) IS NOT NULL)
);

INSERT INTO payment_contents (payment_id, document)
SELECT
  p.id,
  CAST(json_build_object(
    'lines', (
      SELECT coalesce(json_agg(json_build_object(
        'name', name, 'unit_price', unit_price, 'quantity', quantity, 'amount', amount, 'discount', discount) ORDER BY position), '[]')
      FROM checkout_lines
      WHERE payment_id = p.id),
    'details', CASE WHEN p.email IS NOT NULL THEN json_build_object(
      'email', p.email,
      'shipping_address', (
        SELECT json_build_object(
          'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
          'region', region, 'country', country)
        FROM checkout_addresses
        WHERE payment_id = p.id AND kind = 'shipping'),
      'billing_address', (
        SELECT json_build_object(
          'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
          'region', region, 'country', country)
        FROM checkout_addresses
        WHERE payment_id = p.id AND kind = 'billing'),
      'adjustments', (
        SELECT coalesce(json_agg(json_build_object('kind', kind, 'label', label, 'amount', amount) ORDER BY position), '[]')
        FROM checkout_adjustments
        WHERE payment_id = p.id)) END) AS TEXT)
FROM payments p;

DROP TABLE checkout_adjustments, checkout_addresses, checkout_lines;

ALTER TABLE payments DROP COLUMN email;
