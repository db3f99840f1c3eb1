-- pg_catalog.pg_cursors: https://www.postgresql.org/docs/16/view-pg-cursors.html
-- The cursors and portals of the session that asks.
SELECT
    c.name,
    c.statement,
    c.is_holdable,
    c.is_binary,
    c.is_scrollable,
    c.creation_time
FROM lakegate_catalog.cursors AS c
