-- What a checkout was when it was ordered never changes, and is read as a whole: one row with one document, instead of rows of six tables.
-- Its members are those of `quoted-order` in wit/deps/checkout. Who has the token of which token_hash is the hash is the guest who ordered.
DROP TRIGGER quotes_of_rejected_orders_go;

CREATE TABLE order_quote_documents (
  order_id TEXT NOT NULL PRIMARY KEY,
  checkout_id TEXT NOT NULL,
  token_hash TEXT,
  document TEXT NOT NULL CHECK (json_valid(document))
) STRICT, WITHOUT ROWID;

INSERT INTO order_quote_documents (order_id, checkout_id, token_hash, document)
SELECT
  q.order_id,
  q.checkout_id,
  q.token_hash,
  json_object(
    'quote', json_object(
      'id', q.quote_id,
      'currency', q.currency,
      'prices_include_tax', json(CASE q.prices_include_tax WHEN 1 THEN 'true' ELSE 'false' END),
      'lines', json((
        SELECT json_group_array(json_object(
          'product_id', product_id, 'name', name, 'quantity', quantity, 'unit_price', unit_price, 'amount', amount,
          'discount', discount, 'tax_rate', json_object('rate', tax_rate, 'reason', tax_reason), 'net', net, 'tax', tax, 'total', total))
        FROM (SELECT * FROM order_quote_lines WHERE order_id = q.order_id ORDER BY position))),
      'shipping', json(CASE
        WHEN q.shipping_code IS NULL THEN 'null'
        ELSE json_object(
          'code', q.shipping_code, 'name', q.shipping_name, 'amount', q.shipping, 'discount', q.shipping_discount,
          'tax_rate', json_object('rate', q.shipping_tax_rate, 'reason', q.shipping_tax_reason),
          'net', q.shipping_net, 'tax', q.shipping_tax, 'total', q.shipping_total)
      END),
      'discounts', json((
        SELECT json_group_array(json_object('code', code, 'label', label, 'amount', amount))
        FROM (SELECT * FROM order_quote_discounts WHERE order_id = q.order_id ORDER BY position))),
      'taxes', json((
        SELECT json_group_array(json_object(
          'tax_rate', json_object('rate', tax_rate, 'reason', tax_reason), 'net', net, 'tax', tax))
        FROM (SELECT * FROM order_quote_taxes WHERE order_id = q.order_id ORDER BY position))),
      'totals', json_object('items', q.items, 'discount', q.discount, 'shipping', q.shipping, 'tax', q.tax, 'total', q.total),
      'expires_at', q.expires_at),
    'email', q.email,
    'shipping_address', json((
      SELECT json_object(
        'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
        'region', region, 'country', country, 'phone', phone)
      FROM order_addresses
      WHERE order_id = q.order_id AND kind = 'shipping')),
    'billing_address', json((
      SELECT json_object(
        'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
        'region', region, 'country', country, 'phone', phone)
      FROM order_addresses
      WHERE order_id = q.order_id AND kind = 'billing')),
    'note', q.note,
    'metadata', json((
      SELECT json_group_array(json_array(key, value))
      FROM (SELECT * FROM order_metadata WHERE order_id = q.order_id ORDER BY position))))
FROM order_quotes q;

DROP TABLE order_quote_lines;

DROP TABLE order_quote_discounts;

DROP TABLE order_quote_taxes;

DROP TABLE order_addresses;

DROP TABLE order_metadata;

DROP TABLE order_quotes;

ALTER TABLE order_quote_documents RENAME TO order_quotes;

-- What was to be ordered and was not is removed with its saga.
CREATE TRIGGER quotes_of_rejected_orders_go
AFTER DELETE ON sagas
WHEN old.step = 'rejected' AND old.asked_checkout IS NOT NULL
BEGIN
  DELETE FROM order_quotes WHERE order_id = old.order_id;
END;
