# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Malicious bodies. As a script: decodes each of them within limits, and prints the outcome."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from collections.abc import Callable
from typing import NamedTuple

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 60
MANY = 100_000
MILLION = 1_000_000


class Bomb(NamedTuple):
    """A body and its possible outcomes: ``read`` or ``bad_response``."""

    create: Callable[[], bytes]
    outcomes: tuple[str, ...]


def _laugh() -> bytes:
    entities = ['<!ENTITY e0 "lol">'] + [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)]
    return f"<!DOCTYPE a [{''.join(entities)}]><a>&e11;</a>".encode()


def _laugh_late() -> bytes:
    """Hide the document type behind a long comment."""
    return b'<?xml version="1.0"?><!--' + b"x" * 5000 + b"-->" + _laugh()


def _blow_up() -> bytes:
    return b'<!DOCTYPE a [<!ENTITY e "' + b"x" * MANY + b'">]><a>' + b"&e;" * MANY + b"</a>"


_REFUSED = ("bad_response",)
_EITHER = ("read", "bad_response")
BOMBS: dict[str, Bomb] = {
    "billion laughs": Bomb(_laugh, _REFUSED),
    "billion laughs, late": Bomb(_laugh_late, _REFUSED),
    "billion laughs, UTF-16": Bomb(lambda: _laugh().decode().encode("utf-16"), _REFUSED),
    "billion laughs, UTF-16 unmarked": Bomb(lambda: _laugh().decode().encode("utf-16-le"), _REFUSED),
    "quadratic blow-up": Bomb(_blow_up, _REFUSED),
    "external entity": Bomb(lambda: b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', _REFUSED),
    "external document type": Bomb(lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', _REFUSED),
    "deep XML": Bomb(lambda: b"<a>" * MANY + b"</a>" * MANY, _EITHER),
    "deep XML, open": Bomb(lambda: b"<a>" * MANY, _REFUSED),
    "deep JSON lists": Bomb(lambda: b"[" * MANY + b"]" * MANY, _REFUSED),
    "deep JSON lists, open": Bomb(lambda: b"[" * MANY, _REFUSED),
    "deep JSON objects": Bomb(lambda: b'{"a":' * MANY + b"1" + b"}" * MANY, _REFUSED),
    "digits": Bomb(lambda: b'{"a":' + b"9" * MILLION + b"}", _REFUSED),
    "digits after a point": Bomb(lambda: b'{"a":0.' + b"9" * MILLION + b"}", _EITHER),
    "digits of a fraction": Bomb(lambda: b'{"a":' + b"9" * MILLION + b".5}", _REFUSED),
    "digits of an exponent": Bomb(lambda: b'{"a":1e' + b"9" * MILLION + b"}", _REFUSED),
    "many long numbers": Bomb(lambda: b"[" + b",".join([b"9" * 400] * 5000) + b"]", ("read",)),
    "a long name": Bomb(lambda: b"<" + b"aB" * MILLION + b"/>", _EITHER),
    "a long key": Bomb(lambda: b'{"' + b"aB" * MILLION + b'":1}', _EITHER),
    "many names": Bomb(lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(MANY)) + b"}", ("read",)),
    "many attributes": Bomb(lambda: b"<a " + b" ".join(b'k%d="1"' % n for n in range(MANY)) + b"/>", _EITHER),
    "many siblings": Bomb(lambda: b"<a>" + b"<b/>" * MANY + b"</a>", ("read",)),
    "many texts": Bomb(lambda: b"<a>" + b"x<b/>" * MANY + b"</a>", ("read",)),
    "many ampersands": Bomb(lambda: b"<a>" + b"&" * MILLION + b"</a>", _EITHER),
    "a long entity": Bomb(lambda: b"<a>&" + b"a" * MILLION + b"</a>", _EITHER),
    "many entities": Bomb(lambda: b"<a>" + b"&lt;" * (MILLION // 4) + b"</a>", ("read",)),
    "equal keys": Bomb(lambda: b"{" + b",".join([b'"a":1'] * MANY) + b"}", ("read",)),
    "escapes": Bomb(lambda: b'{"a":"' + b"\\ud800" * MANY + b'"}', ("read",)),
    "NULs": Bomb(lambda: b"\0" * MILLION, _REFUSED),
    "byte-order marks": Bomb(lambda: b"\xef\xbb\xbf" * MANY + b"{}", _EITHER),
    "spaces": Bomb(lambda: b" " * MILLION + b"{}" + b" " * MILLION, ("read",)),
}


def main() -> None:
    """Decode each body in a child process with limits, as a client does, and print the outcomes."""
    from ansible_collections.vbem.rest.plugins.module_utils._em.protocol import codec

    codec.decode(b"<a/>")  # loads the library, once for all children
    outcomes = {}
    for name, bomb in BOMBS.items():
        body = bomb.create()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, json.dumps(_measure(body)).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        _pid, status = os.waitpid(child, 0)
        outcomes[name] = json.loads(answer) if answer else {"outcome": f"died with status {status}"}
        outcomes[name]["size"] = len(body)
    print(json.dumps(outcomes))


def _measure(body: bytes) -> dict[str, object]:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    before = resource.getrusage(resource.RUSAGE_SELF)
    outcome = _read(body)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "outcome": outcome,
        "peak": (after.ru_maxrss - before.ru_maxrss) << 10,
        "seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def _read(body: bytes) -> str:
    from ansible_collections.vbem.rest.plugins.module_utils._em.client.pages import read_page
    from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
    from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import decode, decode_error

    try:
        decode_error(body)
        document = decode(body)
    except EmError as err:
        return err.kind
    except BaseException as err:
        return f"{type(err).__name__}: {err}"[:200]
    try:
        for list_path in ((), ("resources", "tasks")):
            with contextlib.suppress(EmError):
                read_page(document, list_path)
    except BaseException as err:
        return f"rows: {type(err).__name__}: {err}"[:200]
    return "read"


if __name__ == "__main__":
    main()
