-- What a payment is for never changes, and is read as a whole: one row with one document, instead of rows of three tables. A line has the
-- members name, unit_price (in units of 1/10,000 of the currency) and quantity, and amount and discount when the order was a checkout. Such
-- an order has details, too. Amounts are whole minor units.
CREATE TABLE payment_contents (
  payment_id TEXT NOT NULL PRIMARY KEY REFERENCES payments (id),
  document TEXT NOT NULL CHECK (json_valid(document))
) STRICT, WITHOUT ROWID;

INSERT INTO payment_contents (payment_id, document)
SELECT
  p.id,
  json_object(
    'lines', json((
      SELECT json_group_array(json_object(
        'name', name, 'unit_price', unit_price, 'quantity', quantity, 'amount', amount, 'discount', discount))
      FROM (SELECT * FROM checkout_lines WHERE payment_id = p.id ORDER BY position))),
    'details', json(CASE
      WHEN p.email IS NULL THEN 'null'
      ELSE json_object(
        'email', p.email,
        'shipping_address', json((
          SELECT json_object(
            'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
            'region', region, 'country', country)
          FROM checkout_addresses
          WHERE payment_id = p.id AND kind = 'shipping')),
        'billing_address', json((
          SELECT json_object(
            'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
            'region', region, 'country', country)
          FROM checkout_addresses
          WHERE payment_id = p.id AND kind = 'billing')),
        'adjustments', json((
          SELECT json_group_array(json_object('kind', kind, 'label', label, 'amount', amount))
          FROM (SELECT * FROM checkout_adjustments WHERE payment_id = p.id ORDER BY position))))
    END))
FROM payments p;

DROP TABLE checkout_adjustments;

DROP TABLE checkout_addresses;

DROP TABLE checkout_lines;

ALTER TABLE payments DROP COLUMN email;
