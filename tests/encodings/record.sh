#!/bin/sh
# Records how a real PostgreSQL writes values, as `type | sql literal | text | binary hex`, into values.txt.
# Usage: tests/encodings/record.sh [psql arguments]   (15 or later, database encoding UTF8)
# Lines `set name = value` in the list hold for the values after them, here and in the test.
set -eu
cd "$(dirname "$0")"

list() {
cat <<'LIST'
set TimeZone = UTC
bool | true
bool | false
"char" | 'a'
"char" | ''
int2 | -32768
int2 | 32767
int4 | 0
int4 | -1
int4 | 2147483647
int4 | -2147483648
int8 | 9223372036854775807
int8 | -9223372036854775808
oid | 4294967295
oid | 26
xid | '4294967295'
float4 | 0
float4 | '-0'
float4 | 0.1
float4 | 100000
float4 | 1e6
float4 | 123456.7
float4 | 8388608
float4 | 16777216
float4 | 3.4028235e38
float4 | 1e-45
float4 | 1.17549435e-38
float4 | 0.0001
float4 | 0.00001
float4 | 1.4142135
float4 | 5e9
float4 | 6e10
float4 | '1e11'
float4 | 'NaN'
float4 | 'Infinity'
float4 | '-Infinity'
float8 | 0
float8 | '-0'
float8 | 1
float8 | 0.1
float8 | 0.30000000000000004
float8 | 1e14
float8 | 1e15
float8 | 123456789012345
float8 | 1234567890123456
float8 | 9007199254740993
float8 | 1e20
float8 | 1e22
float8 | 1e23
float8 | 9.5367431640625e-07
float8 | 4.35e18
float8 | 1.5e-07
float8 | 0.0001
float8 | 0.00001234
float8 | 5e-324
float8 | 2.2250738585072014e-308
float8 | 1.7976931348623157e308
float8 | 8.41e21
float8 | 9.2233720368547758e18
float8 | 1.8446744073709552e19
float8 | 3.141592653589793
float8 | 'NaN'
float8 | 'Infinity'
float8 | '-Infinity'
numeric | 0
numeric | 0.00
numeric | 1
numeric | -1
numeric | 9999
numeric | 10000
numeric | 100000000
numeric | 12345.6789
numeric | -0.005
numeric | 0.0001
numeric | 0.00010000
numeric | 0.00000001
numeric | 1.5000
numeric | 123456789012345678901234567890.123456
numeric | 99999999999999999999999999999999999999
numeric | -99999999999999999999999999999999999999.99999999999999999999999999999999999999
numeric | 1000000000000000000000000000000000000000
numeric | 9999999999999999999999999999999999999999999999999999999999999999999999999999
numeric | 0.0000000000000000000000000000000000000001
numeric | 1e10
numeric | 20000
numeric | 0.1
numeric | 10.01
text | 'plain'
text | ''
text | 'a "quoted" \ back'
text | 'žluťoučký 馬 🐎'
varchar | 'varchar'
bpchar | 'bpchar'
bpchar | 'padded  '::char(8)
name | 'a_name'
bytea | '\x00ff10'
bytea | ''
bytea | 'abc\\def'
uuid | 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
json | '{"a": [1, null]}'
jsonb | '{"a": [1, null]}'
date | '2000-01-01'
date | '1970-01-01'
date | '1999-12-31'
date | '2024-02-29'
date | '0001-01-01'
date | '0001-12-31 BC'
date | '4713-11-24 BC'
date | '9999-12-31'
date | '10000-01-01'
date | '5874897-12-31'
time | '00:00:00'
time | '24:00:00'
time | '23:59:59.999999'
time | '01:02:03.5'
time | '01:02:03.000001'
timestamp | '2000-01-01'
timestamp | '1970-01-01 00:00:00.000001'
timestamp | '1969-12-31 23:59:59.999999'
timestamp | '2024-02-29 12:34:56.789'
timestamp | '0044-03-15 12:00 BC'
timestamp | '4713-11-24 00:00 BC'
timestamp | '12345-06-07 08:09:10.1'
timestamp | '294247-01-10 04:00:54.775807'
timestamptz | '2024-07-01 12:00:00+00'
timestamptz | '2000-01-01 00:00:00.25+00'
interval | '0'
interval | '1 year'
interval | '-1 year'
interval | '1 year 2 mons 3 days 04:05:06.789'
interval | '-1 year -2 mons +3 days -04:05:06.7'
interval | '1 mon -1 day'
interval | '-1 mon 1 day 00:00:00.000001'
interval | '1 day'
interval | '100:00:00'
interval | '-00:00:01'
interval | '-0.5 s'
interval | '178000000 years'
interval | '59 s'
int2vector | '1 2 3'
oidvector | '23 25'
int2vector | '1'
int4[] | '{1,2,3}'
int4[] | '{}'
int4[] | '{1,NULL,3}'
int4[] | '{{1,2},{3,4}}'
int8[] | '{{{1},{2}},{{3},{4}}}'
bool[] | '{t,f,NULL}'
float8[] | '{1.5,NaN,-0}'
numeric[] | '{1.50,-2.25,NULL}'
text[] | '{a,"b c",NULL,"NULL","","q\"x","back\\slash","a,b","{}"}'
text[] | array[E'tab\t', E'nl\n', 'nbsp', 'Null', 'nul']
bytea[] | array['\x00'::bytea, '\xff'::bytea]
date[] | '{2024-01-01,"0044-03-15 BC"}'
timestamp[] | '{"2024-01-01 00:00:00"}'
interval[] | '{"1 day 02:00:00",1:00}'
uuid[] | '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'
jsonb[] | array['{"a": 1}'::jsonb]
varchar[] | '{x,y}'
set TimeZone = Europe/Berlin
timestamptz | '2024-07-01 12:00:00+00'
timestamptz | '2024-01-01 12:00:00+00'
timestamptz | '2024-03-31 00:59:59.999999+00'
timestamptz | '2024-03-31 01:00:00+00'
timestamptz | '2024-10-27 00:30:00+00'
timestamptz | '2024-10-27 01:30:00+00'
timestamptz | '1880-01-01 00:00:00+00'
timestamptz | '0044-03-15 12:00:00+00 BC'
timestamptz | '2150-07-01 00:00:00+00'
timestamptz | '2151-01-01 00:00:00+00'
timestamptz | '9876-07-04 00:00:00+00'
timestamptz[] | '{"2024-07-01 12:00:00+00"}'
set TimeZone = Asia/Kolkata
timestamptz | '2024-07-01 12:00:00+00'
timestamptz | '1945-07-01 12:00:00.123456+00'
set TimeZone = America/St_Johns
timestamptz | '2024-07-01 12:00:00+00'
timestamptz | '2024-01-01 12:00:00+00'
set TimeZone = +02
timestamptz | '2024-07-01 12:00:00+00'
set TimeZone = -03:30
timestamptz | '2024-07-01 12:00:00+00'
set TimeZone = America/New_York
set DateStyle = SQL, MDY
date | '2024-01-31'
date | '0044-03-15 BC'
timestamp | '2024-01-31 10:00:00.5'
timestamptz | '2024-07-01 12:00:00+00'
set DateStyle = SQL, DMY
date | '2024-01-31'
timestamp | '2024-01-31 10:00:00'
timestamptz | '2024-01-01 12:00:00.25+00'
set DateStyle = Postgres, MDY
date | '2024-01-31'
timestamp | '2024-01-31 10:00:00.5'
timestamp | '0044-03-15 10:00:00 BC'
timestamptz | '2024-07-01 12:00:00+00'
set DateStyle = Postgres, DMY
date | '2024-01-31'
timestamp | '2024-01-31 10:00:00.5'
timestamptz | '2024-01-01 12:00:00+00'
set TimeZone = America/Sao_Paulo
timestamptz | '2024-01-01 12:00:00+00'
set DateStyle = German, DMY
date | '2024-01-31'
timestamp | '12024-01-31 10:00:00.5'
timestamptz | '2024-01-01 12:00:00+00'
set TimeZone = UTC
set DateStyle = ISO, MDY
set IntervalStyle = postgres_verbose
interval | '0'
interval | '1 year 2 mons 3 days 04:05:06.789'
interval | '-1 year -2 mons +3 days -04:05:06.7'
interval | '1 sec'
interval | '-1 sec'
interval | '0.5 sec'
interval | '1 day -1 sec'
interval | '-1 day 1 hour 1 sec'
interval | '1 min'
set IntervalStyle = sql_standard
interval | '0'
interval | '1 year 2 mons'
interval | '-1 year -2 mons'
interval | '3 days 04:05:06.789'
interval | '-3 days -04:05:06.789'
interval | '04:05:06'
interval | '-04:05:06'
interval | '1 year 2 mons 3 days 04:05:06.789'
interval | '-1 year 2 mons 3 days -04:05:06.5'
interval | '1 year -3 days'
set IntervalStyle = iso_8601
interval | '0'
interval | '1 year 2 mons 3 days 04:05:06.789'
interval | '-1 year -2 mons +3 days -04:05:06.7'
interval | '1 day'
interval | '1 hour'
interval | '-0.000001 sec'
set IntervalStyle = postgres
set bytea_output = escape
bytea | '\x00ff10'
bytea | 'abc\\def ~'
bytea[] | array['\x00'::bytea, '\x61'::bytea]
set bytea_output = hex
set extra_float_digits = 0
float8 | 0.1
float8 | 0.30000000000000004
float8 | 1e15
float8 | 123456789012345678
float8 | 99999999999999999
float8 | 1.5e-07
float4 | 0.1
float4 | 123456.7
float4 | 1234567
float4 | 16777216
set extra_float_digits = -10
float8 | 3.141592653589793
float8 | 123456
float8 | 99999.9
float4 | 3.1415
set extra_float_digits = -15
float8 | 3.141592653589793
float8 | 95
set extra_float_digits = 1
LIST
}

{
    # The send function of each type gives the bytes; format() uses the output function.
    cat <<'SQL'
create function pg_temp.recorded(kind text, literal text) returns text language plpgsql as $$
declare
    send regproc := (select typsend from pg_type where oid = kind::regtype);
    line text;
begin
    execute format(
        'select format(''%%s'', v) || '' | '' || encode(%s(v), ''hex'') from (select (%s)::%s as v) as t',
        send, literal, kind) into line;
    return kind || ' | ' || literal || ' | ' || replace(replace(line, E'\n', '\n'), E'\t', '\t');
end $$;
SQL
    list | while IFS= read -r line; do
        case $line in
        set*)
            name=${line#set }; value=${name#* = }; name=${name%% = *}
            printf "select set_config('%s', '%s', false) \\\\g /dev/null\n" "$name" "$value"
            printf "\\\\echo '%s'\n" "$line" ;;
        *)
            kind=${line%% | *}; literal=${line#* | }
            printf 'select pg_temp.recorded($k$%s$k$, $v$%s$v$);\n' "$kind" "$literal" ;;
        esac
    done
} | psql -X -q -At -v ON_ERROR_STOP=1 "$@" > values.txt
