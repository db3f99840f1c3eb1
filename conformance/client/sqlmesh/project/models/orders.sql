MODEL (
    name shop.orders,
    kind SEED (path '../seeds/orders.csv'),
    columns (id BIGINT, customer TEXT, amount DECIMAL(10, 2), ordered DATE, changed TIMESTAMP),
    grain id,
    audits (unique_values(columns := (id)), not_null(columns := (id, customer)))
)
