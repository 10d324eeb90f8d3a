"""Many asyncpg connections on few server connections, with statement caches. Prints what they see."""

import asyncio
import os
import signal

import asyncpg

DSNS = os.environ["DSNS"].split()
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


async def client(number):
    connection = await asyncpg.connect(DSNS[number % len(DSNS)], statement_cache_size=20)
    seen = []
    for i in range(40):
        seen.append(await connection.fetchval("SELECT $1::int + $2::int", number, i))
        seen.append(await connection.fetchval("SELECT label FROM items WHERE id = $1", i % 5))
        async with connection.transaction():
            await connection.execute("INSERT INTO work (client, i) VALUES ($1, $2)", number, i)
            if i % 10 == 3:
                try:
                    async with connection.transaction():
                        await connection.execute("INSERT INTO work (client, i) VALUES ($1, $2)", number, None)
                except asyncpg.NotNullViolationError:
                    seen.append("refused")
            seen.append(await connection.fetchval("SELECT count(*) FROM work WHERE client = $1", number))
    await connection.executemany("INSERT INTO work (client, i) VALUES ($1, $2)", [(number, i) for i in range(100, 130)])
    prepared = await connection.prepare("SELECT i FROM work WHERE client = $1 AND i >= $2 ORDER BY i")
    for least in (0, 35, 120):
        seen.append([row["i"] for row in await prepared.fetch(number, least)])
    async with connection.transaction():
        seen.append([row["i"] async for row in connection.cursor("SELECT i FROM work WHERE client = $1 ORDER BY i", number, prefetch=7)])
    seen.append(await connection.fetchval("SELECT $1::mood", "happy"))
    await connection.close()
    return seen


async def main():
    for seen in await asyncio.gather(*[client(number) for number in range(12)]):
        print(seen)
    print("end of the script")


asyncio.run(main())
