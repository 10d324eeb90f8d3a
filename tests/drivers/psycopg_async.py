"""Prints what psycopg's asynchronous interface sees. With `masked` it reads the protected table instead."""

import asyncio
import os
import signal
import sys

import psycopg
from psycopg import sql
from psycopg.types.enum import EnumInfo, register_enum

DSN = os.environ["DSN"]
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


def show(title, value):
    print(f"{title}: {value!r}")


async def masked():
    async with await psycopg.AsyncConnection.connect(DSN) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            await cursor.execute("SELECT id, n, u, d, a, j, m, e FROM protected ORDER BY id")
            async for row in cursor:
                show("row", row)
        async with connection.cursor() as cursor:
            async with cursor.copy("COPY (SELECT id, n, u, a FROM protected ORDER BY id) TO STDOUT (FORMAT binary)") as copy:
                copy.set_types(["int4", "int4", "uuid", "int4[]"])
                async for row in copy.rows():
                    show("copied", row)


async def pipelines(connection):
    async with connection.pipeline():
        cursors = [await connection.execute("SELECT %s::int, %s::text", [i, "x" * i]) for i in range(200)]
    show("pipeline", [await cursor.fetchone() for cursor in cursors][-3:])
    async with connection.pipeline() as pipeline:
        for batch in range(20):
            for i in range(10):
                await connection.execute("INSERT INTO a (n) VALUES (%s)", [batch * 10 + i])
            await pipeline.sync()
    show("batches", await (await connection.execute("SELECT count(*), sum(n) FROM a")).fetchone())
    try:
        async with connection.pipeline() as pipeline:
            await connection.execute("INSERT INTO a (n) VALUES (-1)")
            await connection.execute("SELECT 1 / 0")
            await connection.execute("SELECT 'skipped'")
            await pipeline.sync()
            await connection.execute("SELECT 'after'")
    except psycopg.Error as error:
        show("error", (error.sqlstate, error.diag.message_primary))
    await connection.rollback()
    async with connection.pipeline():
        cursor = connection.cursor()
        await cursor.executemany("INSERT INTO a (n) VALUES (%s) RETURNING n", [(i,) for i in range(50)], returning=True)
        total = 0
        while True:
            total += (await cursor.fetchone())[0]
            if not cursor.nextset():
                break
    show("executemany in a pipeline", total)


async def copies(connection):
    async with connection.cursor() as cursor:
        await cursor.execute("CREATE TEMP TABLE c (id int4, t text, at timestamptz, v float8[])")
        async with cursor.copy("COPY c FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text", "timestamptz", "float8[]"])
            for i in range(1000):
                await copy.write_row((i, f"t{i}", None, [i / 2, float("inf")]))
        show("copied in", cursor.rowcount)
        async with cursor.copy("COPY (SELECT * FROM c WHERE id % 250 = 0) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text", "timestamptz", "float8[]"])
            show("copied out", [row async for row in copy.rows()])
        try:
            async with cursor.copy("COPY c FROM STDIN") as copy:
                await copy.write("1\tone\n")
                raise ValueError("given up")
        except ValueError as error:
            show("client gave up", str(error))
    await connection.rollback()


async def cursors(connection):
    async with connection.cursor(name="named", binary=True) as cursor:
        cursor.itersize = 7
        await cursor.execute("SELECT i, i::numeric / 4 FROM generate_series(1, 30) AS i")
        show("named cursor", [row async for row in cursor][::9])
    async with connection.cursor() as cursor:
        show("streamed", [row async for row in cursor.stream("SELECT i FROM generate_series(1, 2000) AS i", size=1)][-1])
    await connection.rollback()


async def others(connection):
    await connection.set_autocommit(True)
    await connection.execute("LISTEN ch")
    await connection.execute("NOTIFY ch, 'payload'")
    async for note in connection.notifies(timeout=10, stop_after=1):
        show("notification", (note.channel, note.payload))
    await connection.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")
    info = await EnumInfo.fetch(connection, "mood")
    register_enum(info, connection)
    show("enum", (await (await connection.execute("SELECT 'happy'::mood")).fetchone())[0].name)
    task = asyncio.create_task(connection.execute("SELECT pg_sleep(20)"))
    await asyncio.sleep(0.3)
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, psycopg.errors.QueryCanceled):
        show("cancelled", True)
    show("still usable", await (await connection.execute("SELECT 1")).fetchone())
    async with await psycopg.AsyncConnection.connect(DSN, cursor_factory=psycopg.AsyncClientCursor) as client_side:
        show("bound by the client", await (await client_side.execute("SELECT %s, %s", [1, "it's"])).fetchone())
        show("raw", await (await client_side.execute(sql.SQL("SELECT {}").format(sql.Literal("x")))).fetchone())


async def plain():
    async with await psycopg.AsyncConnection.connect(DSN) as connection:
        await connection.execute("CREATE TABLE a (n int)")
        await connection.commit()
        await pipelines(connection)
        await connection.commit()
        await copies(connection)
        await cursors(connection)
        await others(connection)


asyncio.run(masked() if sys.argv[1:] == ["masked"] else plain())
print("end of the script")
