// node-postgres and postgres.js against the server that libpq's variables name.
'use strict';
const assert = require('node:assert');
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');
const fs = require('node:fs');
const pg = require('pg');
const Cursor = require('pg-cursor');
const copy = require('pg-copy-streams');
const postgres = require('postgres');

const features = [];
const feature = (name, check) => features.push([name, check]);
const value = async (client, text, values) => Object.values((await client.query(text, values)).rows[0])[0];

feature('logs in with SCRAM', async (client) => {
  assert.equal(await value(client, 'SELECT current_user'), 'admin');
});

feature('TLS with verify-full', async () => {
  const secure = new pg.Client({ ssl: { ca: fs.readFileSync(process.env.CA), servername: 'localhost' } });
  await secure.connect();
  assert.equal(await value(secure, 'SELECT 1'), 1);
  await secure.end();
});

feature('types', async (client) => {
  const { rows } = await client.query(`SELECT 1::int AS a, 2::bigint AS b, 2.5::float8 AS c, 1.50::numeric(10, 2) AS d, true AS e,
    'täxt' AS f, '\\x00ff'::bytea AS g, TIMESTAMPTZ '2024-02-29 12:00:00+00' AS h, '{"a": [1]}'::jsonb AS i,
    ARRAY[1, NULL] AS j, ARRAY['a', 'b,c'] AS k, NULL AS l, INTERVAL '1 day 02:00:00' AS m`);
  const { g, h, m, ...rest } = rows[0];
  assert.deepEqual(rest, { a: 1, b: '2', c: 2.5, d: '1.50', e: true, f: 'täxt', i: { a: [1] }, j: [1, null], k: ['a', 'b,c'], l: null });
  assert.equal(g.toString('hex'), '00ff');
  assert.equal(h.toISOString(), '2024-02-29T12:00:00.000Z');
  assert.deepEqual({ ...m }, { days: 1, hours: 2 });
});

feature('parameters', async (client) => {
  const { rows } = await client.query('SELECT $1::int AS a, $2::text AS b, $3::jsonb AS c, $4::int[] AS d, $5::timestamptz AS e',
    [5, "it's", { x: 1 }, [1, 2], new Date('2024-01-02T03:04:05Z')]);
  assert.deepEqual({ ...rows[0], e: rows[0].e.toISOString() }, { a: 5, b: "it's", c: { x: 1 }, d: [1, 2], e: '2024-01-02T03:04:05.000Z' });
});

feature('prepared statements', async (client) => {
  for (const n of [1, 2]) {
    const { rows } = await client.query({ name: 'add', text: 'SELECT $1::int + 1 AS n', values: [n] });
    assert.deepEqual(rows, [{ n: n + 1 }]);
  }
});

feature('columns are described', async (client) => {
  const { fields } = await client.query("SELECT relname, relnatts AS n FROM pg_class LIMIT 1");
  assert.deepEqual(fields.map((field) => [field.name, field.dataTypeID]), [['relname', 19], ['n', 21]]);
});

feature('several results', async (client) => {
  const results = await client.query('SELECT 1 AS a; SELECT 2 AS b');
  assert.deepEqual(results.map((result) => result.rows), [[{ a: 1 }], [{ b: 2 }]]);
});

feature('transactions and row counts', async (client) => {
  await client.query('CREATE TABLE node_rows (id bigint, name text)');
  await client.query('BEGIN');
  const inserted = await client.query('INSERT INTO node_rows VALUES (1, $1), (2, $2)', ['a', null]);
  assert.deepEqual([inserted.command, inserted.rowCount], ['INSERT', 2]);
  await client.query('ROLLBACK');
  assert.equal(await value(client, 'SELECT count(*)::int FROM node_rows'), 0);
});

feature('COPY streams', async (client) => {
  await client.query('CREATE TABLE node_copied (id bigint, name text)');
  await pipeline(Readable.from(['1\ta\n', '2\t\\N\n']), client.query(copy.from('COPY node_copied FROM STDIN')));
  let text = '';
  const out = client.query(copy.to('COPY (SELECT * FROM node_copied ORDER BY id) TO STDOUT (FORMAT csv)'));
  for await (const chunk of out) text += chunk;
  assert.equal(text, '1,a\n2,\n');
});

feature('cursors by portals', async (client) => {
  const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, 1000) AS n'));
  let sum = 0;
  for (let rows = await cursor.read(300); rows.length; rows = await cursor.read(300)) sum += rows.reduce((s, row) => s + Number(row.n), 0);
  await cursor.close();
  assert.equal(sum, 500500);
});

feature('errors', async (client) => {
  await assert.rejects(client.query('SELECT nope FROM pg_class'), (error) => error.code === '42703' && error.position === '8');
  assert.equal(await value(client, 'SELECT 1'), 1);
});

feature('notifications', async (client) => {
  const heard = new Promise((resolve) => client.on('notification', resolve));
  await client.query('LISTEN news');
  await client.query("NOTIFY news, 'hello'");
  assert.equal((await heard).payload, 'hello');
});

feature('pool', async () => {
  const pool = new pg.Pool({ max: 4 });
  const found = await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => (await pool.query('SELECT $1::int AS n', [n])).rows[0].n));
  await pool.end();
  assert.deepEqual(found, [1, 2, 3, 4, 5, 6]);
});

feature('postgres.js', async () => {
  const sql = postgres({ max: 2, onnotice: () => {} });
  assert.deepEqual([...await sql`SELECT ${5}::int AS a, ${['a', 'b']}::text[] AS b`], [{ a: 5, b: ['a', 'b'] }]);
  await sql`CREATE TABLE js_rows (id bigint, name text)`;
  await sql`INSERT INTO js_rows ${sql([{ id: 1, name: 'x' }, { id: 2, name: null }])}`;
  const count = await sql.begin(async (inner) => (await inner`SELECT count(*)::int AS n FROM js_rows`)[0].n);
  assert.equal(count, 2);
  let sum = 0;
  for await (const rows of sql`SELECT n FROM generate_series(1, 100) AS n`.cursor(30)) sum += rows.reduce((s, row) => s + Number(row.n), 0);
  assert.equal(sum, 5050);
  await sql.end();
});

(async () => {
  console.log(`version ${require('pg/package.json').version}`);
  for (const [name, check] of features) {
    const client = new pg.Client();
    client.on('error', () => {});
    try {
      await client.connect();
      let timer;
      const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('no answer for 20 s')), 20000); });
      await Promise.race([check(client), late]).finally(() => clearTimeout(timer));
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${String(error.message).replace(/\s+/g, ' ').slice(0, 300)}`);
    }
    await Promise.race([client.end(), new Promise((resolve) => setTimeout(resolve, 1000))]).catch(() => {});
  }
  process.exit(0);
})();
