"""Connects with libpq 18, which gets its token from a PQsetAuthDataHook. Prints JSON.

    python3 libpq_oauth.py LIBPQ CONNINFO TOKEN
"""

import ctypes
import json
import sys

BEARER_TOKEN = 1  # PQAUTHDATA_OAUTH_BEARER_TOKEN
HANDLED, NOT_HANDLED = 1, 0
CONNECTION_OK = 0


class BearerRequest(ctypes.Structure):
    """PGoauthBearerRequest of libpq-fe.h."""

    _fields_ = [
        ("openid_configuration", ctypes.c_char_p),
        ("scope", ctypes.c_char_p),
        ("poll", ctypes.c_void_p),
        ("cleanup", ctypes.c_void_p),
        ("token", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
    ]


library, conninfo, token = sys.argv[1:]
libpq = ctypes.CDLL(library)
asked = []
kept = token.encode()


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def hook(kind, _connection, data):
    if kind != BEARER_TOKEN:
        return NOT_HANDLED
    request = ctypes.cast(data, ctypes.POINTER(BearerRequest)).contents
    asked.append([(text or b"").decode() for text in (request.openid_configuration, request.scope)])
    request.token = kept
    return HANDLED


libpq.PQsetAuthDataHook(hook)
for function, arguments, result in [
    ("PQconnectdb", [ctypes.c_char_p], ctypes.c_void_p),
    ("PQstatus", [ctypes.c_void_p], ctypes.c_int),
    ("PQerrorMessage", [ctypes.c_void_p], ctypes.c_char_p),
    ("PQexec", [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p),
    ("PQgetvalue", [ctypes.c_void_p, ctypes.c_int, ctypes.c_int], ctypes.c_char_p),
]:
    getattr(libpq, function).argtypes = arguments
    getattr(libpq, function).restype = result

connection = libpq.PQconnectdb(conninfo.encode())
answer = {"asked": asked, "error": None, "user": None}
if libpq.PQstatus(connection) == CONNECTION_OK:
    result = libpq.PQexec(connection, b"SELECT current_user")
    answer["user"] = (libpq.PQgetvalue(result, 0, 0) or b"").decode()
else:
    answer["error"] = libpq.PQerrorMessage(connection).decode()
print(json.dumps(answer))
