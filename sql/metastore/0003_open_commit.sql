-- Transactions over several tables that are being committed: while a row is here, what the transaction has
-- put into the table's log counts as not committed, and is taken back at the next start. The rows of a
-- transaction go in the same SQL transaction that makes its changes of the catalog.
CREATE TABLE open_commit (
    -- The id that the commit has in the table's log.
    id       TEXT    NOT NULL,
    location TEXT    NOT NULL,
    -- The version that the transaction has read; null for a table that it makes.
    base     INTEGER CHECK (base >= 0),
    PRIMARY KEY (id, location)
) STRICT;
