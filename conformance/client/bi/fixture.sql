-- Sales, as tools like to find them.
CREATE TABLE sales (id bigint NOT NULL, customer varchar(40), amount numeric(12, 2), quantity integer, sold date, at timestamp, closed boolean);
INSERT INTO sales VALUES
    (1, 'Ann', 10.50, 1, '2024-01-15', '2024-01-15 10:00:00', true),
    (2, 'Bob', 20.00, 2, '2024-02-10', '2024-02-10 11:30:00', false),
    (3, 'Ann', 5.25, 3, '2024-02-29', '2024-02-29 23:59:59', true),
    (4, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE VIEW closed_sales AS SELECT id, amount FROM sales WHERE closed;
