// Prints what node-postgres sees. With `masked` it reads the protected table instead.

import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

// The packages are installed in the target directory, not beside this file.
const require = createRequire(`${process.env.DRIVERS}/package.json`);
const pg = require('pg');
const Cursor = require('pg-cursor');
const copy = require('pg-copy-streams');

// A driver that waits forever must fail the test instead of blocking it.
setTimeout(() => process.exit(9), 120_000).unref();
const connectionString = process.env.DSN;
const show = (title, value) => console.log(`${title}: ${JSON.stringify(value)}`);

async function attempt(title, action) {
  try {
    show(title, (await action()).rows);
  } catch (error) {
    show(title, [error.severity, error.code, error.message, error.detail, error.position, error.constraint]);
  }
}

async function masked() {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const sql = 'SELECT id, n, u, d, a, j, m, e FROM protected ORDER BY id';
  for (const binary of [false, true]) {
    for (const row of (await client.query({ text: sql, values: [], binary, rowMode: 'array' })).rows) {
      show(binary ? 'binary' : 'row', binary ? row.slice(0, 2) : row);
    }
  }
  await client.end();
}

async function statements(client) {
  await client.query('CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE, at timestamptz)');
  for (let i = 0; i < 40; i += 1) await client.query('INSERT INTO t (name) VALUES ($1)', [`n${i}`]);
  show('count', (await client.query('SELECT count(*) FROM t')).rows);
  show('several', (await client.query('SELECT 1 AS a; SELECT 2 AS b')).map((result) => result.rows));
  const types = await client.query(`SELECT $1::int AS i, $2::text AS t, $3::bool AS b, $4::jsonb AS j, $5::int[] AS a, $6::bytea AS y,
    1.25::numeric AS n, date '2024-02-29' AS d, interval '1 day' AS v, point '(1,2)' AS p`, [1, 'x', true, { a: [1] }, [1, null], Buffer.from([0, 255])]);
  show('types', types.rows);
  show('fields', types.fields.map((field) => [field.name, field.dataTypeID, field.format]));
  for (const id of [1, 2, 99]) {
    show('prepared', (await client.query({ name: 'by id', text: 'SELECT name FROM t WHERE id = $1', values: [id] })).rows);
  }
  const many = [];
  for (let i = 0; i < 100; i += 1) many.push(client.query('SELECT $1::int * 2 AS n', [i]));
  show('queued', (await Promise.all(many)).reduce((sum, result) => sum + result.rows[0].n, 0));
  const cursor = client.query(new Cursor('SELECT i FROM generate_series(1, 100) AS i WHERE i > $1', [10]));
  show('cursor', [await cursor.read(3), (await cursor.read(50)).length]);
  await cursor.close();
  show('after the cursor', (await client.query('SELECT 1 AS one')).rows);
}

async function failures(client) {
  await attempt('division', () => client.query('SELECT 1 / 0'));
  await attempt('division, extended', () => client.query('SELECT 1 / $1::int', [0]));
  await attempt('unique', () => client.query('INSERT INTO t (name) VALUES ($1)', ['n1']));
  await client.query('BEGIN');
  await attempt('in it', () => client.query('SELECT missing'));
  await attempt('aborted', () => client.query('SELECT $1::int', [1]));
  await client.query('ROLLBACK');
}

async function copies(client) {
  const into = client.query(copy.from('COPY t (name) FROM STDIN'));
  await pipeline(Readable.from(['copied 1\n', 'copied 2\n']), into);
  show('copied', into.rowCount);
  const out = [];
  for await (const block of client.query(copy.to('COPY (SELECT id, name FROM t WHERE id < 4) TO STDOUT'))) out.push(block.toString());
  show('copy out', out.join(''));
  try {
    await pipeline(Readable.from(['x\ty\n']), client.query(copy.from('COPY t FROM STDIN')));
  } catch (error) {
    show('bad copy', [error.code, error.message]);
  }
}

async function others(client) {
  const arrived = new Promise((resolve) => client.once('notification', resolve));
  const notices = [];
  client.on('notice', (notice) => notices.push(notice.message));
  await client.query('LISTEN ch');
  await client.query("NOTIFY ch, 'payload'");
  show('notification', (await arrived).payload);
  await client.query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
  show('notices', notices);
  const pool = new pg.Pool({ connectionString, max: 3 });
  const sums = await Promise.all([...Array(12).keys()].map((i) => pool.query('SELECT $1::int AS n', [i])));
  show('pool', sums.map((result) => result.rows[0].n));
  await pool.end();
}

if (process.argv[2] === 'masked') {
  await masked();
} else {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await statements(client);
  await failures(client);
  await copies(client);
  await others(client);
  await client.end();
}
console.log('end of the script');
