# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client with no opinions: bytes out, bytes in, and two readers to look into bodies with."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from emulator import Emulator, User

NS = "{http://www.veeam.com/ent/v1.0}"
JSON = {"Accept": "application/json"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def texts(self, name: str) -> list[str | None]:
        return [element.text for element in self.xml.iter(NS + name)]


def basic(user: User) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user.username}:{user.password}".encode()).decode()}


class Wire:
    def __init__(self, em: Emulator) -> None:
        self.em = em
        self.headers: dict[str, str] = {}
        self.session_id = ""
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.em.ca_path)
        return http.client.HTTPSConnection(self.em.hostname, self.em.port, context=context, timeout=10)

    def close(self) -> None:
        self._connection.close()

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        try:
            self._connection.request(method, path, body=body, headers={**self.headers, **(headers or {})})
            response = self._connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self("GET", path, headers)

    def query(self, type_name: str, headers: dict[str, str] | None = None, **parameters: object) -> Answer:
        rest = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in parameters.items())
        return self.get(f"/api/query?type={type_name}{rest}", headers)

    def log_on(self, user: User | None = None, version: str = "latest") -> Answer:
        answer = self("POST", f"/api/sessionMngr/?v={version}", {**basic(user or self.em.admin), "Content-Length": "0"})
        assert answer.status == 201, answer
        self.headers = {"X-RestSvcSessionId": answer.headers["X-RestSvcSessionId"]}
        self.session_id = answer.headers["Location"].rpartition("/")[2]
        return answer
