-- A small shop, the same on every run: 200 customers, 40 products, 600 orders.

CREATE TABLE customers (
    id         integer PRIMARY KEY,
    name       text NOT NULL,
    email      text NOT NULL UNIQUE,
    phone      text,
    birth_date date,
    card       text,
    city       text NOT NULL,
    joined     timestamptz NOT NULL
);

CREATE TABLE products (
    id    integer PRIMARY KEY,
    name  text NOT NULL,
    price numeric(10, 2) NOT NULL,
    stock integer NOT NULL
);

CREATE TABLE orders (
    id          integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    product_id  integer NOT NULL REFERENCES products (id),
    quantity    integer NOT NULL,
    status      text NOT NULL,
    placed      timestamptz NOT NULL
);

INSERT INTO customers
SELECT i,
       given || ' ' || family,
       lower(given) || '.' || lower(family) || i || '@example.com',
       CASE WHEN i % 7 = 0 THEN NULL ELSE '+44 20 7946 ' || lpad((i * 37 % 10000)::text, 4, '0') END,
       date '1950-01-01' + (i * 131 % 18000),
       '4000 ' || lpad((i * 7919 % 10000)::text, 4, '0') || ' ' || lpad((i * 6101 % 10000)::text, 4, '0')
           || ' ' || lpad((i * 4339 % 10000)::text, 4, '0'),
       (ARRAY['Lisbon', 'Osaka', 'Leeds', 'Quito', 'Tartu'])[i % 5 + 1],
       timestamptz '2024-01-01 09:00+00' + i * interval '17 hours'
FROM generate_series(1, 200) AS i,
     LATERAL (SELECT (ARRAY['Ada', 'Grace', 'Edgar', 'Barbara', 'Alan', 'Radia', 'Donald', 'Frances'])[i % 8 + 1] AS given,
                     (ARRAY['Stone', 'Rivers', 'Hill', 'Brook', 'Marsh', 'Field', 'Wood'])[i % 7 + 1] AS family) AS names;

INSERT INTO products
SELECT i,
       (ARRAY['Copper', 'Walnut', 'Linen', 'Glass', 'Wool'])[i % 5 + 1] || ' '
           || (ARRAY['kettle', 'desk lamp', 'blanket', 'bowl', 'clock', 'tray', 'frame', 'stool'])[i % 8 + 1],
       (i * 773 % 9000 + 995) / 100.0,
       i * 11 % 60
FROM generate_series(1, 40) AS i;

INSERT INTO orders
SELECT i,
       i * 61 % 200 + 1,
       i * 29 % 40 + 1,
       i % 4 + 1,
       (ARRAY['paid', 'packed', 'sent', 'delivered', 'returned'])[i % 5 + 1],
       timestamptz '2025-01-01 08:00+00' + i * interval '5 hours'
FROM generate_series(1, 600) AS i;

ANALYZE;
