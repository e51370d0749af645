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
from xml.sax.saxutils import escape

from emulator import Emulator, User

NS = "{http://www.veeam.com/ent/v1.0}"
JSON = {"Accept": "application/json"}
XML = {"Accept": "application/xml", "Content-Type": "application/xml"}
JSON_BODY = {"Accept": "application/json", "Content-Type": "application/json"}


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


def xml_body(root: str, **members: Any) -> bytes:
    """Write a body; a dict becomes an element with children, a list several elements of one name, a key with @ an attribute."""
    return f'<?xml version="1.0" encoding="utf-8"?>{_element(root, {"@xmlns": NS.strip("{}"), **members})}'.encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if not isinstance(value, dict):
        return f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"
    attributes = "".join(f' {key[1:]}="{inner}"' for key, inner in value.items() if key.startswith("@"))
    inside = "".join(_element(key, inner) for key, inner in value.items() if not key.startswith("@"))
    return f"<{name}{attributes}>{inside}</{name}>"


class Wire:
    def __init__(self, em: Emulator) -> None:
        self.em = em
        self.headers: dict[str, str] = {}
        self.session_id = ""
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.em.ca_path)
        return http.client.HTTPSConnection(self.em.hostname, self.em.port, context=context, timeout=60)

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

    def send(self, method: str, path: str, body: Any) -> Answer:
        """Send a body as JSON."""
        return self(method, path, JSON_BODY, json.dumps(body).encode())

    def finish(self, answer: Answer) -> ET.Element:
        """Let a task end, and return it."""
        assert answer.status in (200, 201, 202), answer
        task_id = answer.texts("TaskId")[0] if answer.body.lstrip().startswith(b"<") else find(answer.json, "taskid")
        self.em.clock.advance(self.em.switches.task_running + self.em.switches.task_collecting + 0.01)
        return self.get(f"/api/tasks/{task_id}").xml

    def result(self, answer: Answer) -> tuple[bool, str]:
        """Let a task end; return its success and its message."""
        result = self.finish(answer).find(f"{NS}Result")
        assert result is not None
        return result.get("Success") == "true", result.findtext(f"{NS}Message") or ""

    def related(self, answer: Answer) -> str:
        """Let a task end; return the path of what it leads to."""
        task = self.finish(answer)
        return next(
            link.get("Href", "").removeprefix(self.em.base_url)
            for link in task.iter(f"{NS}Link")
            if link.get("Rel") == "Related"
        )


def find(value: Any, name: str) -> Any:
    """Return a member of an object, whatever its case."""
    return next(inner for key, inner in value.items() if key.lower() == name)


def repository(em: Emulator, server: str = "vbr01") -> str:
    """Return the UID of a repository of a backup server."""
    table = em.world.table(em.world.catalogue["Repository"])
    return next(row.uid for row in table if row.data["backupserveruid"] == em.world.server(server).uid)
