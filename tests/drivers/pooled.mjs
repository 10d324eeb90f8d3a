// Many node-postgres clients on few server connections, with named statements. Prints what they see.

import { createRequire } from 'node:module';

// The packages are installed in the target directory, not beside this file.
const require = createRequire(`${process.env.DRIVERS}/package.json`);
const pg = require('pg');
const Cursor = require('pg-cursor');

// A driver that waits forever must fail the test instead of blocking it.
setTimeout(() => process.exit(9), 120_000).unref();
const dsns = process.env.DSNS.split(' ');

async function client(number) {
  const connection = new pg.Client({ connectionString: dsns[number % dsns.length] });
  await connection.connect();
  const seen = [];
  for (let i = 0; i < 40; i += 1) {
    seen.push((await connection.query({ name: 'sum', text: 'SELECT $1::int + $2::int AS sum', values: [number, i] })).rows[0].sum);
    await connection.query('BEGIN');
    await connection.query({ name: 'insert', text: 'INSERT INTO work (client, i) VALUES ($1, $2)', values: [number, i] });
    seen.push((await connection.query({ name: 'count', text: 'SELECT count(*)::int AS n FROM work WHERE client = $1', values: [number] })).rows[0].n);
    await connection.query(i % 4 === 3 ? 'ROLLBACK' : 'COMMIT');
    seen.push((await connection.query('SELECT label FROM items WHERE id = $1', [i % 5])).rows[0].label);
    if (i % 10 === 3) {
      try {
        await connection.query({ name: 'insert', text: 'INSERT INTO work (client, i) VALUES ($1, $2)', values: [number, null] });
      } catch (error) {
        seen.push(error.code);
      }
    }
  }
  await connection.query('BEGIN');
  const cursor = connection.query(new Cursor('SELECT i FROM work WHERE client = $1 ORDER BY i', [number]));
  for (;;) {
    const rows = await cursor.read(7);
    if (rows.length === 0) break;
    seen.push(rows.map((row) => row.i));
  }
  await cursor.close();
  await connection.query('COMMIT');
  await connection.end();
  return seen;
}

const all = await Promise.all(Array.from({ length: 12 }, (_, number) => client(number)));
for (const seen of all) console.log(JSON.stringify(seen));
console.log('end of the script');
