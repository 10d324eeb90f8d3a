"""Prints what pg8000 sees. With `masked` it reads the protected table instead."""

import io
import os
import signal
import sys
from urllib.parse import unquote, urlsplit

import pg8000.dbapi
import pg8000.native

PARTS = urlsplit(os.environ["DSN"])
LOGIN = {"user": unquote(PARTS.username), "password": unquote(PARTS.password), "host": PARTS.hostname, "port": PARTS.port,
         "database": PARTS.path.lstrip("/")}
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


def show(title, value):
    print(f"{title}: {value!r}")


def masked():
    with pg8000.native.Connection(**LOGIN) as connection:
        for row in connection.run("SELECT id, n, u, d, a, j, m, e FROM protected ORDER BY id"):
            show("row", row)
        for row in connection.run("SELECT id, n, u, d, a, j, m, e FROM protected WHERE id < :most ORDER BY id", most=100):
            show("row", row)


def attempt(title, action):
    try:
        show(title, action())
    except pg8000.exceptions.DatabaseError as error:
        show(title, {key: value for key, value in error.args[0].items() if key in "SVCMDHP"})


def native():
    with pg8000.native.Connection(**LOGIN) as connection:
        connection.run("CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE)")
        for i in range(50):
            connection.run("INSERT INTO t (name) VALUES (:name)", name=f"n{i}")
        show("count", connection.run("SELECT count(*) FROM t"))
        show("types", connection.run(
            "SELECT 1::int2, 2::int8, 1.5::float8, 1.25::numeric, 'x'::text, '\\x00ff'::bytea, true, NULL, '{1,NULL}'::int[], "
            "date '2024-02-29', timestamptz '2024-01-01 00:00+00', interval '1 day', '{\"a\": 1}'::jsonb, inet '10.0.0.1', "
            "'[1,5)'::int4range, '00000000-0000-0000-0000-000000000001'::uuid"))
        show("columns", [column["name"] for column in connection.columns])
        show("several", connection.run("SELECT 1; SELECT 2"))
        prepared = connection.prepare("SELECT name FROM t WHERE id = :id")
        for i in (1, 2, 99):
            show("prepared", prepared.run(id=i))
        prepared.close()
        attempt("division", lambda: connection.run("SELECT 1 / 0"))
        attempt("division, extended", lambda: connection.run("SELECT 1 / :n", n=0))
        attempt("unique", lambda: connection.run("INSERT INTO t (name) VALUES (:name)", name="n1"))
        connection.run("START TRANSACTION")
        attempt("in it", lambda: connection.run("SELECT missing"))
        attempt("aborted", lambda: connection.run("SELECT 1"))
        connection.run("ROLLBACK")
        out = io.BytesIO()
        connection.run("COPY (SELECT id, name FROM t WHERE id < 4) TO STDOUT", stream=out)
        show("copy out", out.getvalue())
        connection.run("COPY t (name) FROM STDIN", stream=io.BytesIO(b"copied 1\ncopied 2\n"))
        show("copied", connection.row_count)
        attempt("bad copy", lambda: connection.run("COPY t FROM STDIN", stream=io.BytesIO(b"x\ty\n")))
        connection.run("LISTEN ch")
        connection.run("NOTIFY ch, 'payload'")
        connection.run("SELECT 1")
        show("notification", [note[1:] for note in connection.notifications])
        connection.run("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
        show("notices", [notice[b"M"] for notice in connection.notices])


def dbapi():
    connection = pg8000.dbapi.connect(**LOGIN)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE d (a int, b text)")
    cursor.executemany("INSERT INTO d VALUES (%s, %s)", [(i, f"b{i}") for i in range(30)])
    show("rowcount", cursor.rowcount)
    connection.commit()
    cursor.execute("SELECT * FROM d WHERE a > %s ORDER BY a", (26,))
    show("rows", cursor.fetchall())
    show("description", [column[:2] for column in cursor.description])
    connection.rollback()
    connection.close()


if sys.argv[1:] == ["masked"]:
    masked()
else:
    native()
    dbapi()
print("end of the script")
