# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for secrets, in whatever form a program may have written them."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from emulator import Emulator

SHORTEST = 6  # characters of a secret that can be told from ordinary text
_HEX = re.compile(rb"(?:[0-9a-f]{2}){40,}")


class Leak(NamedTuple):
    """A secret that was found: whose, in which form, where, and what stands before it."""

    secret: str
    form: str
    where: str
    before: str


@lru_cache(1024)
def create_forms(text: str) -> dict[str, bytes]:
    """Return a secret as it is, and in each way that programs write text."""
    raw = text.encode("utf-8", "surrogateescape")
    in_json = json.dumps(text)[1:-1]
    in_unicode_json = json.dumps(text, ensure_ascii=False)[1:-1]
    forms = {
        "plain": raw,
        "JSON": in_json.encode(),
        "JSON in JSON": json.dumps(in_json)[1:-1].encode(),
        "JSON, not only ASCII": in_unicode_json.encode("utf-8", "surrogateescape"),
        "JSON in JSON, not only ASCII": json.dumps(in_unicode_json, ensure_ascii=False)[1:-1].encode(
            "utf-8", "surrogateescape"
        ),
        "repr": repr(text)[1:-1].encode(),
        "repr of repr": repr(repr(text))[2:-2].encode(),
        "repr of bytes": repr(raw)[2:-1].encode(),
        "URL": quote(text, safe="", errors="surrogateescape").encode(),
        "URL, with slashes": quote(text, errors="surrogateescape").encode(),
        "form": quote_plus(text, errors="surrogateescape").encode(),
        "shell": shlex.quote(text)[1:-1].encode("utf-8", "surrogateescape") if shlex.quote(text) != text else raw,
        "YAML": text.replace("'", "''").encode("utf-8", "surrogateescape"),
        "XML": escape(text, quote=False).encode("utf-8", "surrogateescape"),
        "XML attribute": escape(text).encode("utf-8", "surrogateescape"),
        "hexadecimal": raw.hex().encode(),
        "UTF-16": text.encode("utf-16-le", "surrogatepass"),
        "reversed": raw[::-1],
    }
    forms["hexadecimal, capitals"] = forms["hexadecimal"].upper()
    for code, encode in (("base64", base64.b64encode), ("base64 of URLs", base64.urlsafe_b64encode)):
        for ahead in range(3):  # wherever it stands in what was encoded
            whole = encode(b"\0" * ahead + raw)
            forms[f"{code}, {ahead} ahead"] = whole[(0, 2, 3)[ahead] :].rstrip(b"=")[: -1 if (ahead + len(raw)) % 3 else None]
    return forms


class SecretScanner:
    """Looks for a set of secrets, each by a name that may be shown.

    ``of`` takes them from emulators, ``check`` is for what should hold none, ``find`` and its like tell what was found.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.secrets = {name: text for name, text in secrets.items() if len(text) >= SHORTEST}
        self._forms: dict[bytes, tuple[str, str]] = {}
        for name, text in self.secrets.items():
            for variant in {text, text.upper(), text.lower()} if re.fullmatch(r"[0-9a-fA-F-]{32,36}", text) else {text}:
                for form, found in create_forms(variant).items():
                    self._forms.setdefault(found, (name, form))

    @classmethod
    def of(cls, *servers: Emulator, further: Iterable[str] = ()) -> SecretScanner:
        """Return a scanner for all secrets of some emulators, as they are now, and for further ones."""
        secrets = {f"further secret {number}": text for number, text in enumerate(further)}
        for number, em in enumerate(servers):
            secrets |= {
                name if len(servers) == 1 else f"{name} (server {number})": text for name, text in list_secrets(em).items()
            }
        return cls(secrets)

    @property
    def forms(self) -> int:
        """Return how many texts are looked for."""
        return len(self._forms)

    def check(self, *shown: object) -> None:
        """Assert that nothing shows a secret: no bytes, no text, and no other thing however it may be printed."""
        for thing in shown:
            for data in _write(thing):
                leaks = list(self.find(data, "what is shown"))
                assert not leaks, f"a secret is shown: {leaks}"

    def find(self, data: bytes, where: str) -> Iterator[Leak]:
        """Yield what is found, each form of a secret once."""
        for form, (name, how) in self._forms.items():
            at = data.find(form)
            if at >= 0:
                before = data[max(0, at - 90) : at].decode("utf-8", "replace")
                yield Leak(name, how, where, self.censor(before))

    def find_below(self, folder: Path) -> Iterator[Leak]:
        """Yield what is found in names and contents of all files below a folder."""
        for path in sorted(folder.rglob("*")):
            where = str(path.relative_to(folder))
            yield from self.find(where.encode("utf-8", "surrogateescape"), f"the name of {where}")
            if path.is_file():
                yield from self.find(path.read_bytes(), where)

    def find_opened(self, texts: Iterable[bytes]) -> Iterator[Leak]:
        """Yield the secrets that can be had by combining any two long hexadecimal texts: an encrypted one and its one-time pad."""
        long = sorted({match[0] for text in texts for match in _HEX.finditer(text)}, key=len)
        for index, short in enumerate(long):
            for other in long[index + 1 :]:
                left, right = bytes.fromhex(short.decode()), bytes.fromhex(other.decode())
                opened = bytes(one ^ two for one, two in zip(left, right, strict=False))
                yield from self.find(opened, "an encrypted text and its one-time pad, both shown")

    def censor(self, text: str) -> str:
        """Return a text that is to be shown, without the secrets."""
        data = text.encode("utf-8", "replace")
        for form in sorted(self._forms, key=len, reverse=True):
            data = data.replace(form, b"(secret)")
        return data.decode("utf-8", "replace")


def _write(thing: object) -> Iterator[bytes]:
    """Yield a thing in each way that it may be printed."""
    if isinstance(thing, bytes):
        yield thing
    else:
        texts = {str(thing), repr(thing), json.dumps(thing, ensure_ascii=False, default=repr, skipkeys=True)}
        yield from (text.encode("utf-8", "surrogateescape") for text in ({thing} if isinstance(thing, str) else texts))


def read_session_id(token: str | None) -> str | None:
    """Return the id of the logon session that a token is made of, if it is made of one."""
    try:
        return base64.b64decode(token or "", validate=True).decode("ascii") or None
    except ValueError:
        return None


def list_secrets(em: Emulator) -> dict[str, str]:
    """Return all secrets of an emulator by name: passwords, and the token and the id of each session that was ever used."""
    secrets = {f"password of {key}": user.password for key, user in em.users.items()}
    sessions = {(session.token, session.id) for session in em.sessions}
    for entry in em.log:
        token = entry.header("X-RestSvcSessionId")
        if token:
            sessions.add((token, read_session_id(token) or ""))
        if entry.session_id:
            sessions.add((base64.b64encode(entry.session_id.encode()).decode(), entry.session_id))
        pair = entry.header("Authorization")
        if pair:
            secrets[f"Authorization of request {len(secrets)}"] = pair.removeprefix("Basic ")
    for number, (token, session_id) in enumerate(sorted(sessions)):
        secrets |= {f"token {number}": token, f"session id {number}": session_id}
        secrets[f"session id {number} without hyphens"] = session_id.replace("-", "")
    return secrets
