"""Prints what asyncpg sees. With `masked` it reads the protected table instead."""

import asyncio
import datetime
import os
import signal
import sys
import uuid

import asyncpg

DSN = os.environ["DSN"]
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


def show(title, value):
    print(f"{title}: {value!r}")


async def masked():
    connection = await asyncpg.connect(DSN)
    for row in await connection.fetch("SELECT id, n, u, d, a, j, m, e FROM protected WHERE id < $1 ORDER BY id", 100):
        show("row", tuple(row))
    await connection.close()


async def attempt(title, action):
    try:
        show(title, await action)
    except asyncpg.PostgresError as error:
        show(title, (type(error).__name__, error.sqlstate, error.message, error.detail, error.position))


async def statements(connection):
    await connection.execute("CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE, at timestamptz); CREATE TYPE mood AS ENUM ('sad', 'happy')")
    await connection.executemany("INSERT INTO t (name) VALUES ($1)", [(f"n{i}",) for i in range(500)])
    show("fetchval", await connection.fetchval("SELECT count(*) FROM t"))
    values = [(1, "int4"), (2**40, "int8"), (1.5, "float8"), ("text", "text"), (b"\x00\xff", "bytea"), (True, "bool"),
              ([1, None, 3], "int4[]"), (datetime.date(2024, 2, 29), "date"), (uuid.UUID(int=1), "uuid"), ("happy", "mood"),
              ((1, 5.0), "point"), (datetime.timedelta(days=3), "interval"), ('{"a": 1}', "jsonb")]
    for value, kind in values:
        show(kind, await connection.fetchrow(f"SELECT $1::{kind}, ARRAY[$1::{kind}]", value))
    show("record", await connection.fetchval("SELECT t FROM t WHERE id = 2"))
    prepared = await connection.prepare("SELECT id, name FROM t WHERE id > $1 ORDER BY id LIMIT 3")
    show("parameters", prepared.get_parameters())
    show("attributes", [attribute.name for attribute in prepared.get_attributes()])
    for after in (0, 100, 1000):
        show("prepared", await prepared.fetch(after))
    show("status", prepared.get_statusmsg())


async def failures(connection):
    await attempt("division", connection.fetch("SELECT 1 / 0"))
    await attempt("unique", connection.execute("INSERT INTO t (name) VALUES ('n1')"))
    await attempt("syntax", connection.fetch("SELEKT $1", 1))
    await attempt("executemany", connection.executemany("INSERT INTO t (name) VALUES ($1)", [("new",), ("n1",), ("never",)]))
    show("rolled back", await connection.fetchval("SELECT count(*) FROM t WHERE name = 'new'"))
    async with connection.transaction():
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO t (name) VALUES ('n1')")
        except asyncpg.UniqueViolationError:
            show("inner", "rolled back to its savepoint")
        async with connection.transaction():
            await connection.execute("INSERT INTO t (name) VALUES ('kept')")
    show("kept", await connection.fetchval("SELECT count(*) FROM t WHERE name = 'kept'"))


async def cursors(connection):
    async with connection.transaction():
        seen = [record["id"] async for record in connection.cursor("SELECT id FROM t WHERE id < $1 ORDER BY id", 60, prefetch=7)]
        show("cursor", (len(seen), seen[-1]))
        cursor = await connection.cursor("SELECT id FROM t ORDER BY id")
        show("fetch", await cursor.fetch(3))
        show("forward", await cursor.forward(5))
        show("fetchrow", await cursor.fetchrow())


async def copies(connection):
    await connection.execute("CREATE TEMP TABLE c (a int, b text, d date)")
    records = [(i, f"b{i}", datetime.date(2024, 1, 1)) for i in range(2000)]
    show("records in", await connection.copy_records_to_table("c", records=records))
    blocks = []

    async def take(block):
        blocks.append(block)

    show("query out", await connection.copy_from_query("SELECT * FROM c WHERE a < $1", 3, output=take, format="csv"))
    show("blocks", b"".join(blocks))

    async def broken():
        yield b"not a number,x,y\n"

    await attempt("broken", connection.copy_to_table("c", source=broken(), format="csv"))
    show("count", await connection.fetchval("SELECT count(*) FROM c"))


async def others(connection):
    arrived = asyncio.get_running_loop().create_future()
    await connection.add_listener("ch", lambda _, pid, channel, payload: arrived.set_result((channel, payload)))
    await connection.execute("NOTIFY ch, 'payload'")
    show("notification", await asyncio.wait_for(arrived, 10))
    await connection.reset()
    try:
        await connection.fetch("SELECT pg_sleep(20)", timeout=0.3)
    except asyncio.TimeoutError:
        show("timed out", True)
    show("still usable", await connection.fetchval("SELECT 1"))
    async with asyncpg.create_pool(DSN, min_size=2, max_size=4) as pool:
        show("pool", sorted(await asyncio.gather(*(pool.fetchval("SELECT $1::int", i) for i in range(20)))))


async def plain():
    connection = await asyncpg.connect(DSN)
    await statements(connection)
    await failures(connection)
    await cursors(connection)
    await copies(connection)
    await others(connection)
    await connection.close()


asyncio.run(masked() if sys.argv[1:] == ["masked"] else plain())
print("end of the script")
