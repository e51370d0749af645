# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ticket system, which playbooks of the collection post to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Ticket(NamedTuple):
    """A request that was accepted."""

    headers: dict[str, str]
    body: dict[str, Any]


class TicketSystem:
    """Takes what is posted; ``refuse`` is how many of the next requests it answers with 503."""

    def __init__(self) -> None:
        self.taken: list[Ticket] = []
        self.refuse = 0
        system = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_refused = system.refuse > 0
                system.refuse -= is_refused
                if not is_refused:
                    system.taken.append(Ticket(dict(self.headers), body))
                self.send_response(503 if is_refused else 201)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/tickets"

    def __enter__(self) -> TicketSystem:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
