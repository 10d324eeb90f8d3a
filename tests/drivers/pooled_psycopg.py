"""Many psycopg connections on few server connections, which prepare what they repeat. Prints what they see."""

import asyncio
import os
import signal

import psycopg

DSNS = os.environ["DSNS"].split()
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


async def client(number):
    connection = await psycopg.AsyncConnection.connect(DSNS[number % len(DSNS)], prepare_threshold=2)
    seen = []
    for i in range(40):
        async with connection.transaction():
            cursor = await connection.execute("SELECT %s::int + %s::int", [number, i])
            seen.append((await cursor.fetchone())[0])
            await connection.execute("INSERT INTO work (client, i) VALUES (%s, %s)", [number, i])
        cursor = await connection.execute("SELECT label FROM items WHERE id = %s", [i % 5], binary=i % 2 == 0)
        seen.append((await cursor.fetchone())[0])
        if i % 10 == 3:
            try:
                await connection.execute("INSERT INTO work (client, i) VALUES (%s, %s)", [number, None])
            except psycopg.errors.NotNullViolation as error:
                seen.append(error.sqlstate)
            await connection.rollback()
        await connection.commit()
    await connection.set_autocommit(True)
    async with connection.pipeline():
        cursors = [await connection.execute("SELECT count(*) FROM work WHERE client = %s AND i > %s", [number, i]) for i in range(30)]
        seen.append([(await cursor.fetchone())[0] for cursor in cursors])
    async with connection.cursor() as cursor:
        async with cursor.copy("COPY work (client, i) FROM STDIN") as copy:
            for i in range(500, 520):
                await copy.write_row((number, i))
        await cursor.execute("SELECT count(*) FROM work WHERE client = %s", [number])
        seen.append((await cursor.fetchone())[0])
    await connection.close()
    return seen


async def main():
    for seen in await asyncio.gather(*[client(number) for number in range(12)]):
        print(seen)
    print("end of the script")


asyncio.run(main())
