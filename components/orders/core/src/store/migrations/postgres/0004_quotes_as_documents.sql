-- oldest-program: 4
-- What a checkout was when it was ordered never changes, and is read as a whole: one row with one document, instead of rows of six tables.
-- Its members are those of `quoted-order` in wit/deps/checkout. Who has the token of which token_hash is the hash is the guest who ordered.
CREATE TABLE order_quote_documents (
  order_id TEXT COLLATE "C" NOT NULL,
  checkout_id TEXT COLLATE "C" NOT NULL,
  token_hash TEXT COLLATE "C",
  document TEXT COLLATE "C" NOT NULL CHECK (CAST(document AS JSON) IS NOT NULL)
);

INSERT INTO order_quote_documents (order_id, checkout_id, token_hash, document)
SELECT
  q.order_id,
  q.checkout_id,
  q.token_hash,
  CAST(json_build_object(
    'quote', json_build_object(
      'id', q.quote_id,
      'currency', q.currency,
      'prices_include_tax', q.prices_include_tax = 1,
      'lines', (
        SELECT coalesce(json_agg(json_build_object(
          'product_id', product_id, 'name', name, 'quantity', quantity, 'unit_price', unit_price, 'amount', amount,
          'discount', discount, 'tax_rate', json_build_object('rate', tax_rate, 'reason', tax_reason), 'net', net, 'tax', tax,
          'total', total) ORDER BY position), '[]')
        FROM order_quote_lines
        WHERE order_id = q.order_id),
      'shipping', CASE WHEN q.shipping_code IS NOT NULL THEN json_build_object(
        'code', q.shipping_code, 'name', q.shipping_name, 'amount', q.shipping, 'discount', q.shipping_discount,
        'tax_rate', json_build_object('rate', q.shipping_tax_rate, 'reason', q.shipping_tax_reason),
        'net', q.shipping_net, 'tax', q.shipping_tax, 'total', q.shipping_total) END,
      'discounts', (
        SELECT coalesce(json_agg(json_build_object('code', code, 'label', label, 'amount', amount) ORDER BY position), '[]')
        FROM order_quote_discounts
        WHERE order_id = q.order_id),
      'taxes', (
        SELECT coalesce(json_agg(json_build_object(
          'tax_rate', json_build_object('rate', tax_rate, 'reason', tax_reason), 'net', net, 'tax', tax) ORDER BY position), '[]')
        FROM order_quote_taxes
        WHERE order_id = q.order_id),
      'totals', json_build_object('items', q.items, 'discount', q.discount, 'shipping', q.shipping, 'tax', q.tax, 'total', q.total),
      'expires_at', q.expires_at),
    'email', q.email,
    'shipping_address', (
      SELECT json_build_object(
        'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
        'region', region, 'country', country, 'phone', phone)
      FROM order_addresses
      WHERE order_id = q.order_id AND kind = 'shipping'),
    'billing_address', (
      SELECT json_build_object(
        'name', name, 'company', company, 'line1', line1, 'line2', line2, 'postal_code', postal_code, 'city', city,
        'region', region, 'country', country, 'phone', phone)
      FROM order_addresses
      WHERE order_id = q.order_id AND kind = 'billing'),
    'note', q.note,
    'metadata', (
      SELECT coalesce(json_agg(json_build_array(key, value) ORDER BY position), '[]')
      FROM order_metadata
      WHERE order_id = q.order_id)) AS TEXT)
FROM order_quotes q;

DROP TABLE order_quote_lines, order_quote_discounts, order_quote_taxes, order_addresses, order_metadata, order_quotes;

ALTER TABLE order_quote_documents RENAME TO order_quotes;

ALTER TABLE order_quotes ADD PRIMARY KEY (order_id);
