# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that have ended since one last looked, each of them once.

One look is a query for each type: what has ended lately, and what goes on. What ended lately is taken with a wide overlap,
because backup servers' clocks differ and Enterprise Manager learns of an end late; what was told before is left out by its
id, which is remembered. What was seen going on is owed: it is looked up by its id once it is in no list any more, so that
neither a wrong clock nor an end without a time loses it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import read_text
from ..protocol.dates import parse_date, print_date
from ..protocol.filters import Comparison, Field, Or, create_wire_filter, is_sendable
from ..protocol.links import find_guid
from ..resources.job_sessions import ENDED, STATE, UID, normalise_run
from ..resources.listing import BACKUP_RUNS, REPLICA_RUNS, Source, iter_resources
from .checkpoint import HORIZON, Memory, get_id, read_seconds

END = Field("EndTime", "end_time", "date")
RUN_UID = Field("JobSessionUid", "job_session_uid", "uid")
# What a run did to each machine, with the reasons that runs themselves lack (wire facts, section 6.4).
PARTS = {
    BACKUP_RUNS.type: Source("BackupTaskSession", ("entities", "backup_task_sessions")),
    REPLICA_RUNS.type: Source("ReplicaTaskSession", ("entities", "replica_task_sessions")),
}
AT_ONCE = 20  # ids in one filter
MOST_PARTS = 2000  # rows to read for the reasons of AT_ONCE runs
RESULTLESS_LOOKS = 3  # a run that has stopped may have no result yet, or not be listed; this often it is looked for
WIDE_EVERY = 10  # looks, of which one goes back as far as ids are remembered
REFUSALS = (400, 500, 501)  # what a server may say to a filter or an order it does not take (wire facts, section 4)
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_OVERRIDE = re.compile(r"#(?=jinja2)", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,6})\s*([smhd])", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MATCHED = {"job_name": "job_name", "job_type": "job_type", "result": "result", "backup_server": "backup_server"}


class Look(NamedTuple):
    """What a look saw: the server's time, runs that have ended and were not told, in order, and those that go on."""

    now: float
    ended: list[dict[str, Any]]
    owed: dict[str, tuple[str, int]]


def _get_source(uid: str) -> Source:
    return REPLICA_RUNS if "replica" in uid.lower() else BACKUP_RUNS


def read_server_time(client: Client) -> float:
    """Give the time that the server's latest answer bears, or ours where that is earlier, or where it bears none.

    A time too early costs some overlap; one too late, by a clock that ran ahead for a while, would cost events.
    """
    told = client.server_time
    return time.time() if told is None else min(told, time.time())


class Finder:
    """Looks for ended runs within one logon session. ``lookback`` is the overlap, in seconds."""

    def __init__(self, client: Client, lookback: int) -> None:
        self.client = client
        self.lookback = lookback
        self._forms: dict[str, int] = {}
        self._looks = 0

    def begin(self, since: float | None, waited: float = 0.0) -> tuple[Memory, Look]:
        """Look for the first time: at what ended since a time or, with None, only at what there is, to leave it untold.

        That is as far back as is remembered later, so that a server's clock may be put back at once. ``waited`` is for how many
        seconds there was no first look because the server was away: what ended meanwhile is told.
        """
        self.client.log_on()
        now = read_server_time(self.client)
        floor = now - self.lookback - HORIZON if since is None else since
        memory = Memory(floor, min(floor, now))
        look = self.look(memory)
        if since is None:
            fresh = [run for run in look.ended if waited and (read_seconds(run["end_time"]) or 0.0) >= look.now - waited]
            for run in look.ended:
                if run not in fresh:
                    memory.add(run)
            look = look._replace(ended=fresh)
        return memory, look

    def look(self, memory: Memory) -> Look:
        """Look once. Reads only; the memory is not changed.

        Now and then, and first of all, as far back as ids are remembered: what a backup server could not report for a night, or
        what was refused or missed for a while, is found then.
        """
        is_wide = self._looks % WIDE_EVERY == 0
        self._looks += 1
        if is_wide:
            self._forms.clear()
        cutoff = memory.floor if is_wide else max(memory.floor, memory.mark - self.lookback)
        sent = print_date(datetime.fromtimestamp(int(cutoff) - 1, timezone.utc))
        criteria = Or((Comparison(END, ">=", sent), Comparison(STATE, "!=", ENDED)))
        seen = _Seen(memory, cutoff)
        now: float | None = None
        for source in (BACKUP_RUNS, REPLICA_RUNS):
            for row in self._iter_rows(source, criteria):
                if now is None:
                    now = read_server_time(self.client)
                seen.take(normalise_run(row, self.client))
        now = read_server_time(self.client) if now is None else now
        for source in (BACKUP_RUNS, REPLICA_RUNS):
            missing = [uid for key, (uid, _looks) in memory.owed.items() if key not in seen.keys and _get_source(uid) is source]
            for uids in _iter_chunks(missing):
                for row in self._iter_rows(source, Or(tuple(Comparison(UID, "==", uid) for uid in uids))):
                    seen.take(normalise_run(row, self.client))
        for key, (uid, looks) in memory.owed.items():  # an answer without it may be that of a server that is starting
            if key not in seen.keys and looks + 1 < RESULTLESS_LOOKS:
                seen.owed[key] = (uid, looks + 1)
            elif key not in seen.keys:
                self.client.warnings.append(f"The run {uid} went on when last seen, and is not listed any more.")
        ended = sorted(seen.ended.values(), key=lambda run: (read_seconds(run["end_time"]) or now, get_id(run)))
        return Look(now, ended, seen.owed)

    def _iter_rows(self, source: Source, criteria: Or) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query, the newest first, so that what ends meanwhile pushes none off the page to come.

        What the server refuses is left out, the order first and then the filter too, as soon as it takes the rest.
        """
        wire = create_wire_filter(criteria, is_certain=is_sendable)
        known = self._forms.get(source.type)
        refusal: EmError | None = None
        for form in (0, 1, 2) if known is None else (known,):
            rows = iter_resources(
                self.client, source, wire=None if form > 1 else wire, newest_by="EndTime" if form == 0 else None
            )
            try:
                first = next(rows, None)
            except EmError as err:
                if known is not None or err.status not in REFUSALS:
                    raise
                refusal = refusal or err
                continue
            self._forms[source.type] = form
            if form > 1 and known is None:
                self.client.warnings.append(f"The server refuses to filter {source.type}, so every poll reads all there are.")
            if first is not None:
                yield first
                yield from rows
            return
        if refusal is not None:
            raise refusal

    def find_messages(self, runs: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Give, by the id of the run, what did not go well with which machine. Few requests, however many runs.

        A server that refuses to tell is no reason to withhold the events; one that cannot be reached is.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        bad = [run for run in runs if run["result"] != "Success" and run["uid"]]
        for kind, source in PARTS.items():
            for uids in _iter_chunks([run["uid"] for run in bad if _get_source(run["uid"]).type == kind]):
                wire = create_wire_filter(Or(tuple(Comparison(RUN_UID, "==", uid) for uid in uids)), is_certain=is_sendable)
                if wire is None:
                    continue
                try:
                    for row in islice(iter_resources(self.client, source, wire=wire), MOST_PARTS):
                        _add_message(found, row)
                except EmError as err:
                    if err.status not in (*REFUSALS, 403, 404):
                        raise
                    self.client.warnings.append(f"The reasons of failed runs could not be read: {err.msg}")
        return found


class _Seen:
    """Sorts the runs of one look; pages that moved meanwhile may bring one twice."""

    def __init__(self, memory: Memory, cutoff: float) -> None:
        self.memory = memory
        self.cutoff = cutoff
        self.keys: set[str] = set()
        self.ended: dict[str, dict[str, Any]] = {}
        self.owed: dict[str, tuple[str, int]] = {}

    def take(self, run: dict[str, Any]) -> None:
        key = get_id(run)
        looks = self.memory.owed.get(key, ("", 0))[1]
        if run["state"] != ENDED:
            self.keys.add(key)
            if key not in self.ended:
                self.owed[key] = (run["uid"] or "", 0)
            return
        end = read_seconds(run["end_time"])
        is_ours = key in self.memory.owed or key in self.owed or (end is not None and end >= self.cutoff)
        self.keys.add(key)
        if key in self.memory.told or not is_ours:
            return
        if run["result"] is None and looks + 1 < RESULTLESS_LOOKS:
            self.owed[key] = (run["uid"] or "", looks + 1)
            return
        self.owed.pop(key, None)
        self.ended[key] = run


def _iter_chunks(uids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(uids), AT_ONCE):
        yield uids[start : start + AT_ONCE]


def _add_message(found: dict[str, list[dict[str, Any]]], row: Mapping[str, Any]) -> None:
    result = read_text(row, "result")
    key = find_guid(read_text(row, "job_session_uid") or "")
    if key is None or result not in ("Warning", "Failed"):
        return
    name = read_text(row, "vm_display_name") or read_text(row, "name")
    message = {"name": name, "result": result, "reason": read_text(row, "reason")}
    if message not in found.setdefault(key, []):
        found[key].append(message)


def read_since(text: str) -> float | None:
    """Read from when on ended runs are to be told, as seconds since the epoch; None for from now on."""
    if text.strip().lower() == "now":
        return None
    match = _DURATION.fullmatch(text.strip())
    if match:
        return max(time.time() - int(match[1]) * _UNITS[match[2].lower()], 0.0)
    date = parse_date(text)
    if date is None:
        cure = "give now, a time such as 2026-11-23T18:00:00Z, or how long ago, such as 90m or 2d"
        raise create_option_error("since", text, cure)
    return max(date.timestamp(), 0.0)


def is_wanted(run: Mapping[str, Any], wishes: Mapping[str, list[str] | None]) -> bool:
    """Ask whether a run is one of those wished for; names may hold * and ?, and case does not matter."""
    for option, key in MATCHED.items():
        patterns = wishes[option]
        if patterns and not any(
            fnmatchcase((run[key] or "").lower(), pattern.lower().replace("[", "[[]")) for pattern in patterns
        ):
            return False
    return True


def create_event(client: Client, run: Mapping[str, Any], messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Build the event of an ended run. ``duration`` is in seconds; ``meta.uuid`` is the run's own id."""
    told = sorted(messages, key=lambda message: (message["result"] != "Failed", message["name"] or ""))
    begin, end = read_seconds(run["creation_time"]), read_seconds(run["end_time"])
    reason = run["failure_message"] or next((message["reason"] for message in told if message["reason"]), None)
    event = {
        "job_session": {
            **run,
            "duration": None if begin is None or end is None else round(max(end - begin, 0.0), 3),
            "reason": reason,
            "messages": [dict(message) for message in told],
        },
        "enterprise_manager": client.connection.hostname,
        "meta": {"uuid": get_id(run)},
    }
    disarmed: dict[str, Any] = disarm(event)
    return disarmed


def disarm(value: Any) -> Any:
    """Put a space into what begins a template, and before jinja2 in what changes how templates begin.

    ansible-rulebook hands events to playbooks as extra variables, which Ansible trusts: whoever may name a machine could run
    commands where the rulebook does.
    """
    if isinstance(value, str):
        return _OVERRIDE.sub("# ", _TEMPLATE.sub("{ ", value))
    if isinstance(value, dict):
        return {key: disarm(one) for key, one in value.items()}
    return [disarm(one) for one in value] if isinstance(value, list) else value
