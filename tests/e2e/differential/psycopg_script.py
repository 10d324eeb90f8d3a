"""Prints what psycopg sees. The test runs it directly and through the gateway and compares the output."""

import os
import signal
import threading
import time

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

DSN = os.environ["DSN"]
# A driver that waits forever must fail the test instead of blocking it.
signal.alarm(120)


def show(title, value):
    print(f"{title}: {value!r}")


def attempt(title, action):
    try:
        show(title, action())
    except psycopg.Error as error:
        diagnostics = error.diag
        show(title, (type(error).__name__, error.sqlstate, diagnostics.message_primary, diagnostics.message_detail,
                     diagnostics.message_hint, diagnostics.statement_position, diagnostics.table_name))


def types(connection):
    values = [1, 2**40, 1.5, "text", b"\x00\xff", True, None, [1, 2, None], Jsonb({"a": [1]})]
    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            for value in values:
                cursor.execute("SELECT %s", [value])
                show(f"round trip, binary={binary}", (cursor.fetchone(), cursor.description[0].type_code))
            cursor.execute("SELECT now() - now(), date '2024-02-29', numeric '1.10', '{1,2}'::int[], "
                           "'[1,5)'::int4range, inet '10.0.0.1', uuid '00000000-0000-0000-0000-000000000001', ROW(1, 'a')")
            show(f"types, binary={binary}", cursor.fetchone())


def statements(connection):
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("CREATE TABLE p (id serial PRIMARY KEY, name text UNIQUE, n int)")
        show("status", cursor.statusmessage)
        cursor.executemany("INSERT INTO p (name, n) VALUES (%s, %s)", [(f"n{i}", i) for i in range(100)])
        show("executemany", cursor.rowcount)
        cursor.executemany("INSERT INTO p (name, n) VALUES (%s, %s) RETURNING id", [("x", 1), ("y", 2)], returning=True)
        results = [cursor.fetchall()]
        while cursor.nextset():
            results.append(cursor.fetchall())
        show("returning", results)
        cursor.execute("SELECT * FROM p WHERE n < %s ORDER BY id", [4])
        show("rows", cursor.fetchall())
        cursor.execute("SELECT 1 AS a; SELECT 2 AS b; SELECT 3 AS c")
        show("first of several", cursor.fetchall())
        while cursor.nextset():
            show("next of several", cursor.fetchall())
        for _ in range(7):
            cursor.execute("SELECT count(*) AS n FROM p WHERE n > %s", [50], prepare=True)
            show("prepared", cursor.fetchone())
        show("names", cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY 1").fetchall())
        cursor.execute(sql.SQL("SELECT {} FROM {} WHERE n = 7").format(sql.Identifier("name"), sql.Identifier("p")))
        show("composed", cursor.fetchall())
        show("streamed", [row["id"] for row in cursor.stream("SELECT id FROM p ORDER BY id LIMIT 5")])


def failures(connection):
    attempt("division", lambda: connection.execute("SELECT 1 / 0"))
    attempt("in transaction", lambda: connection.execute("SELECT 1").fetchall())
    connection.rollback()
    attempt("unique", lambda: connection.execute("INSERT INTO p (name) VALUES ('n1')"))
    connection.rollback()
    attempt("syntax", lambda: connection.execute("SELEKT %s", [1]))
    connection.rollback()
    attempt("bad parameter", lambda: connection.execute("SELECT %s::int", ["x"]))
    connection.rollback()
    with connection.transaction():
        connection.execute("INSERT INTO p (name) VALUES ('outer')")
        try:
            with connection.transaction():
                connection.execute("INSERT INTO p (name) VALUES ('n1')")
        except errors.UniqueViolation:
            show("inner", "rolled back to its savepoint")
        show("outer", connection.execute("SELECT count(*) FROM p WHERE name = 'outer'").fetchone())


def cursors(connection):
    with connection.transaction(), connection.cursor(name="server side", scrollable=True) as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT id FROM p ORDER BY id")
        show("fetchmany", cursor.fetchmany(3))
        cursor.scroll(5)
        show("after scroll", cursor.fetchone())
        show("iterated", sum(row[0] for row in cursor))


def copies(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE c (id int, note text)")
        with cursor.copy("COPY c FROM STDIN") as copy:
            for row in [(1, "tab\there"), (2, None), (3, "back\\slash")]:
                copy.write_row(row)
        show("copied", cursor.rowcount)
        with cursor.copy("COPY c TO STDOUT") as copy:
            show("rows out", list(copy.rows()))
        with cursor.copy("COPY c TO STDOUT (FORMAT binary)") as copy:
            show("binary out", b"".join(bytes(block) for block in copy))
        try:
            with cursor.copy("COPY c FROM STDIN (FORMAT binary)") as copy:
                copy.write(b"not binary")
        except psycopg.Error as error:
            show("bad copy", error.sqlstate)
    connection.rollback()


def pipeline(connection):
    if not psycopg.Pipeline.is_supported():
        show("pipeline", "not supported by this libpq")
        return
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int * 2", [i]) for i in range(30)]
    show("pipeline", [cursor.fetchone()[0] for cursor in cursors])
    try:
        with connection.pipeline() as pipe:
            connection.execute("INSERT INTO p (name) VALUES ('piped')")
            connection.execute("SELECT 1 / 0")
            connection.execute("SELECT 'skipped'")
            pipe.sync()
    except psycopg.Error as error:
        show("pipeline error", (type(error).__name__, error.sqlstate))
    connection.rollback()
    show("nothing piped", connection.execute("SELECT count(*) FROM p WHERE name = 'piped'").fetchone())
    connection.rollback()


def others(connection):
    notices = []
    connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.message_primary)))
    connection.execute("DO $$ BEGIN RAISE NOTICE 'hello %', 1; RAISE WARNING 'careful'; END $$")
    show("notices", notices)
    connection.commit()
    connection.autocommit = True
    notes = []
    connection.add_notify_handler(lambda note: notes.append((note.channel, note.payload)))
    connection.execute("LISTEN ch")
    connection.execute("NOTIFY ch, 'payload'")
    show("notification", notes)
    timer = threading.Timer(0.3, connection.cancel)
    timer.start()
    started = time.monotonic()
    attempt("cancelled", lambda: connection.execute("SELECT pg_sleep(20)"))
    show("soon", time.monotonic() - started < 5)
    timer.join()
    show("still usable", connection.execute("SELECT 1").fetchone())
    info = connection.info
    show("info", (info.dbname, info.server_version, info.encoding, info.parameter_status("server_encoding"),
                  info.transaction_status.name))


with psycopg.connect(DSN) as connection:
    types(connection)
    statements(connection)
    connection.commit()
    failures(connection)
    connection.commit()
    cursors(connection)
    copies(connection)
    pipeline(connection)
    others(connection)
with psycopg.connect(DSN, options="-c statement_timeout=200ms", application_name="psycopg test") as connection:
    attempt("timeout from options", lambda: connection.execute("SELECT pg_sleep(5)"))
print("end of the script")
