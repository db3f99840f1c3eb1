#!/usr/bin/env bash
# psql 15: connecting, looking around, queries, errors, COPY, cancel.
set -uo pipefail
source "$(dirname "$0")/../expect.sh"

unset PSQLRC
# Values only, separated by bars; stops at an error.
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@" 2>&1; }
# Every error with its SQLSTATE and position.
errors() { psql -XqAt -v VERBOSITY=verbose -v SHOW_CONTEXT=never "$@" 2>&1; }

echo "version $(psql --version | sed 's/.*) \([0-9.]*\).*/\1/')"

# Connecting

equals "logs in with SCRAM" "admin|main" "$(sql -c 'SELECT current_user, current_database()')"
contains "refuses a wrong password" 'password authentication failed for user "admin"' "$(PGPASSWORD=wrong sql -c 'SELECT 1')"
contains "does not tell unknown users" 'password authentication failed for user "nobody"' "$(PGPASSWORD=wrong PGUSER=nobody sql -c 'SELECT 1')"
contains "names a missing database" 'database "nowhere" does not exist' "$(PGDATABASE=nowhere sql -c 'SELECT 1')"
contains "TLS with verify-full" "SSL connection (protocol: TLSv1.3" "$(PGSSLMODE=verify-full PGSSLROOTCERT=$CA sql -c '\conninfo')"
contains "TLS by a stranger is noticed" "certificate verify failed" "$(PGSSLMODE=verify-full PGSSLROOTCERT=$OTHER_CA sql -c 'SELECT 1')"
equals "channel binding" "1" "$(PGSSLMODE=verify-full PGSSLROOTCERT=$CA PGCHANNELBINDING=require sql -c 'SELECT 1')"
equals "connects without TLS" "1" "$(PGSSLMODE=disable sql -c 'SELECT 1')"
equals "options at startup" "5s" "$(PGOPTIONS='-c statement_timeout=5000' sql -c 'SHOW statement_timeout')"

# Making things

equals "creates and fills tables" "3" "$(sql <<'SQL'
CREATE SCHEMA shop;
CREATE TABLE shop.item (id bigint NOT NULL, name text, price numeric(10,2), sold date);
COMMENT ON TABLE shop.item IS 'what we sell';
INSERT INTO shop.item VALUES (1, 'apple', 0.50, DATE '2024-02-29'), (2, 'pear', 12.25, NULL), (3, NULL, 4.00, '2024-03-01');
CREATE VIEW shop.cheap AS SELECT id, name FROM shop.item WHERE price < 5;
CREATE USER ada PASSWORD 'ada-secret';
SELECT count(*) FROM shop.item;
SQL
)"
equals "reads a view" $'1|apple\n3|' "$(sql -c 'SELECT * FROM shop.cheap ORDER BY id')"
equals "command tags" $'INSERT 0 2\nUPDATE 1\nDELETE 2' "$(psql -XAt 2>&1 <<'SQL'
INSERT INTO shop.item VALUES (10, 'fig', 1, NULL), (11, 'kiwi', 2, NULL);
UPDATE shop.item SET price = price + 1 WHERE id = 10;
DELETE FROM shop.item WHERE id >= 10;
SQL
)"

# Looking around

in_shop() { sql -c 'SET search_path = shop' -c "$1"; }
equals '\d' $'shop|cheap|view|admin\nshop|item|table|admin' "$(in_shop '\d')"
equals '\dt' 'shop|item|table|admin' "$(in_shop '\dt')"
equals '\dt schema.*' 'shop|item|table|admin' "$(sql -c '\dt shop.*')"
equals '\dv' 'shop|cheap|view|admin' "$(in_shop '\dv')"
contains '\dt+' 'shop|item|table|admin|permanent|' "$(in_shop '\dt+')"
contains '\dt+ shows comments' '|what we sell' "$(in_shop '\dt+')"
equals '\d table' $'id|bigint||not null|\nname|text|||\nprice|numeric(10,2)|||\nsold|date|||' "$(sql -c '\d shop.item')"
equals '\d view' $'id|bigint|||\nname|text|||' "$(sql -c '\d shop.cheap')"
contains '\d names what is missing' 'Did not find any relation named "nothing".' "$(psql -XAt -c '\d nothing' 2>&1)"
contains '\dn' $'\nshop|admin\n' $'\n'"$(sql -c '\dn')"$'\n'
contains '\l' $'\nmain|admin|UTF8|' $'\n'"$(sql -c '\l')"
contains '\du' $'\nada||{}\n' $'\n'"$(sql -c '\du')"$'\n'
contains '\df finds a function' 'pg_catalog|upper|text|text|func' "$(sql -c '\df upper')"

# psql says itself that nothing was found; what begins with ERROR the server has refused.
backslash_errors() { python3 "$(dirname "$0")/backslash.py" | psql -Xq 2>&1 >"$WORK/backslash" | grep -A1 'ERROR:' | head -4; }
equals "every backslash command" "" "$(backslash_errors)"
contains "\\dp shows privileges" 'shop|item|table|' "$(sql -c '\dp shop.item')"
equals '\crosstabview' $'a|3|4\nd|5|' "$(sql <<'SQL'
SELECT 'a' AS r, 'b' AS c, 3 AS v UNION ALL SELECT 'a', 'c', 4 UNION ALL SELECT 'd', 'b', 5 ORDER BY 1, 2 \crosstabview
SQL
)"
equals '\gexec' $'1\n2' "$(sql <<'SQL'
SELECT format('SELECT %s', n) FROM generate_series(1, 2) n ORDER BY n \gexec
SQL
)"

# Queries

equals "numbers" '1|-2|9223372036854775807|2.50|0.1|1e+100|NaN|12345678901234567890.123456789' "$(sql -c \
    "SELECT 1, (-2)::int2, 9223372036854775807, 2.50, 0.1::float8, 1e100::float8, 'NaN'::float8, 12345678901234567890.123456789::numeric(38,9)")"
equals "texts and nulls" "a'b||t|f|\\x00ff" "$(sql -c "SELECT 'a''b', NULL, true, false, '\\x00ff'::bytea")"
equals "dates and times" '2024-02-29|2024-02-29 12:34:56.789|2024-02-29 12:34:56+00' "$(sql -c \
    "SET TimeZone = 'UTC'" -c "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.789', timestamptz '2024-02-29 12:34:56+00'")"
equals "arrays" '{1,2,NULL}|{a,"b c"}' "$(sql -c "SELECT ARRAY[1,2,NULL], ARRAY['a','b c']")"
equals "joins and groups" $'apple|1\npear|2' "$(sql -c \
    'SELECT a.name, count(*) FROM shop.item a JOIN shop.item b ON b.id <= a.id WHERE a.name IS NOT NULL GROUP BY a.name ORDER BY 1')"
equals "several statements in one message" $'1\n2' "$(sql -c 'SELECT 1; SELECT 2')"
contains "results before an error are sent" $'1\n' "$(errors -c 'SELECT 1; SELECT nothing')"
equals "the empty query" "" "$(sql -c ';')"
equals '\gdesc' $'id|bigint\nprice|numeric(10,2)\nn|bigint' "$(sql <<'SQL'
SELECT id, price, count(*) AS n FROM shop.item GROUP BY id, price \gdesc
SQL
)"
equals '\gset' 'pear' "$(sql <<'SQL'
SELECT name FROM shop.item WHERE id = 2 \gset
\echo :name
SQL
)"
equals "PREPARE and EXECUTE" "apple" "$(sql <<'SQL'
PREPARE by_id (bigint) AS SELECT name FROM shop.item WHERE id = $1;
EXECUTE by_id (1);
SQL
)"

# Keys

# Without the title and the columns' names, but with what stands below the rows.
described() { psql -XqA -c 'SET search_path = shop' -c "$1" 2>&1 | tail -n +3; }
sql -q <<'SQL' >/dev/null
CREATE TABLE shop.owner (id bigint PRIMARY KEY, code text DEFAULT 'none', a int, b int, UNIQUE (a, b), CONSTRAINT positive CHECK (a > 0));
CREATE TABLE shop.pet (id bigint PRIMARY KEY, owner bigint REFERENCES shop.owner);
SQL
equals '\d of a table with keys' 'id|bigint||not null|
code|text|||'"'none'::text"'
a|integer|||
b|integer|||
Indexes:
    "owner_pkey" PRIMARY KEY, btree (id)
    "owner_a_b_key" UNIQUE CONSTRAINT, btree (a, b)
Check constraints:
    "positive" CHECK (a > 0)
Referenced by:
    TABLE "pet" CONSTRAINT "pet_owner_fkey" FOREIGN KEY (owner) REFERENCES owner(id)' "$(described '\d owner' | sed "s/'none'$/'none'::text/")"
contains '\d of a table with a foreign key' '"pet_owner_fkey" FOREIGN KEY (owner) REFERENCES owner(id)' "$(described '\d pet')"
contains '\di' 'shop|owner_pkey|index|admin|owner' "$(in_shop '\di')"
contains '\d of an index' 'primary key, btree, for table "shop.owner"' "$(described '\d owner_pkey')"
equals "ON CONFLICT" $'INSERT 0 2\nINSERT 0 1\n1|new|9\n2|none|5' "$(psql -XAt 2>&1 <<'SQL'
INSERT INTO shop.owner (id, a, b) VALUES (1, 1, 1), (2, 5, 1) ON CONFLICT (id) DO NOTHING;
INSERT INTO shop.owner AS o (id, code, a, b) VALUES (1, 'new', 9, 9) ON CONFLICT (id) DO UPDATE SET code = excluded.code, a = excluded.a WHERE o.a = 1;
SELECT id, code, a FROM shop.owner ORDER BY id;
SQL
)"
sql -q -c 'DROP TABLE shop.pet, shop.owner' >/dev/null

# Errors

contains "syntax error" 'ERROR:  42601: syntax error at or near "selec"' "$(errors -c 'selec 1')"
contains "position of an error" $'LINE 1: SELECT id, nothing FROM shop.item\n                   ^' "$(errors -c 'SELECT id, nothing FROM shop.item')"
contains "unknown column" '42703: column "nothing" does not exist' "$(errors -c 'SELECT nothing FROM shop.item')"
contains "unknown table" '42P01: relation "shop.nothing" does not exist' "$(errors -c 'SELECT * FROM shop.nothing')"
contains "division by zero" '22012: division by zero' "$(errors -c 'SELECT 1/0')"
contains "bad number" '22P02: invalid input syntax for type integer: "x"' "$(errors -c "SELECT 'x'::int4")"
contains "NOT NULL" '23502:' "$(errors -c "INSERT INTO shop.item VALUES (NULL, 'none', 1, NULL)")"
contains "a failed transaction refuses" '25P02: current transaction is aborted' "$(errors <<'SQL'
BEGIN;
SELECT 1/0;
SELECT 1;
ROLLBACK;
SQL
)"

# COPY

seq 1 1000 | sed 's/.*/&,row &/' >"$WORK/rows.csv"
equals '\copy from csv' '1000|500500|row 1000' "$(sql <<SQL
CREATE TABLE shop.many (id bigint, label text);
\copy shop.many FROM '$WORK/rows.csv' (FORMAT csv)
SELECT count(*), sum(id), (SELECT label FROM shop.many WHERE id = 1000) FROM shop.many;
SQL
)"
sql -c "\\copy (SELECT * FROM shop.many ORDER BY id) TO '$WORK/out.csv' (FORMAT csv)" >/dev/null
equals '\copy to csv' "$(md5sum <"$WORK/rows.csv")" "$(md5sum <"$WORK/out.csv")"
equals 'COPY to text' $'1\tapple\t0.50\t2024-02-29\n2\tpear\t12.25\t\\N' "$(sql -c 'COPY (SELECT * FROM shop.item WHERE id < 3 ORDER BY id) TO STDOUT')"
equals 'COPY binary out and in' '1000|500500' "$(sql <<SQL
\copy shop.many TO '$WORK/rows.bin' (FORMAT binary)
CREATE TABLE shop.again (id bigint, label text);
\copy shop.again FROM '$WORK/rows.bin' (FORMAT binary)
SELECT count(*), sum(id) FROM shop.again;
SQL
)"
contains "COPY names a bad line" '22P02: invalid input syntax for type bigint: "x"' "$(printf '1,a\nx,b\n' | errors -c 'COPY shop.many FROM STDIN (FORMAT csv)')"
equals "a failed COPY leaves nothing" 1000 "$(sql -c 'SELECT count(*) FROM shop.many')"

# Large results, cancel

rows_md5() { seq 1 1000 | md5sum; }
equals "FETCH_COUNT" "$(rows_md5)" "$(sql -v FETCH_COUNT=64 -c 'SELECT id FROM shop.many ORDER BY id' | md5sum)"
contains "statement_timeout" '57014: canceling statement due to statement timeout' "$(errors -c 'SET statement_timeout = 200' -c \
    'SELECT count(*) FROM shop.many a, shop.many b, shop.many c, shop.many d WHERE a.id + b.id + c.id + d.id = 0')"
started=$(date +%s)
cancelled=$(PGAPPNAME=cancel timeout --signal=INT --kill-after=60 2 psql -XqAt -c \
    'SELECT count(*) FROM shop.many a, shop.many b, shop.many c, shop.many d WHERE a.id + b.id + c.id + d.id = 0' 2>&1)
contains "Ctrl-C cancels" 'canceling statement due to user request' "$cancelled"
seconds=$(($(date +%s) - started))
equals "Ctrl-C cancels soon" yes "$( ((seconds < 10)) && echo yes || echo "after $seconds s")"
