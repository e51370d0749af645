# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One switch for everything that is unknown or differs between servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, cast

FACTS = "wire-facts"


def _switch(default: Any, doc: str, source: str, choices: tuple[Any, ...] = ()) -> Any:
    return field(default=default, metadata={"doc": doc, "source": source, "choices": choices})  # pylint: disable=invalid-field-call


@dataclass
class Switches:
    """How this server behaves; every field may be changed while it runs."""

    version: Literal[12, 13] = _switch(
        13,
        "12: HTTP.sys, PascalCase JSON, milliseconds. 13: .NET, camelCase JSON, microseconds.",
        "1.3, 2, 3.2",
        (12, 13),
    )
    # Tasks
    task_filter: Literal["honoured", "ignored", "rejected", "rejected400", "empty"] = _switch(
        "honoured",
        "What a filter on type=Task does: it works, is ignored, is a 500, is a 400, or finds nothing at all.",
        "4, 8.3",
        ("honoured", "ignored", "rejected", "rejected400", "empty"),
    )
    task_sort: Literal["honoured", "ignored", "rejected"] = _switch(
        "honoured", "What sortAsc and sortDesc on type=Task do.", "4, 8.3", ("honoured", "ignored", "rejected")
    )
    task_id_field: Literal["both", "TaskId", "TaskUid"] = _switch(
        "both",
        "By which name tasks are filtered and sorted on their id; the other is an unknown field.",
        "4",
        ("both", "TaskId", "TaskUid"),
    )
    task_order: Literal["text", "natural"] = _switch(
        "text", "Whether task-10 sorts before task-9 (text) or after it (natural).", "4, 8.3", ("text", "natural")
    )
    unknown_task: Literal[500, 404] = _switch(
        500, "Status of GET and DELETE of a task this session does not have.", "3.1, 5, 8.2", (500, 404)
    )
    tasks_scope: Literal["session", "global"] = _switch(
        "session", "Whether a task is seen by its own session only, or by all.", "3.1", ("session", "global")
    )
    task_ids: Literal["server", "session"] = _switch(
        "server", "Whether task numbers are counted per server or per session.", "3.1, 8.5", ("server", "session")
    )
    first_task_id: int = _switch(7, "The first task number: never 1, and close to where text order differs.", "3.1")
    delete_running: Literal["stop", "reject"] = _switch(
        "stop", "DELETE of a task that is not Finished stops and removes it, or is a 500.", "5, 8.5", ("stop", "reject")
    )
    result_null: Literal["null", "absent", "present_while_running"] = _switch(
        "null",
        "Result of a Running task: null in JSON, left out, or there already (true, Ok). XML has no null: left out.",
        "1.4, 2.1",
        ("null", "absent", "present_while_running"),
    )
    related_link: bool = _switch(True, "Whether a finished task links to what it worked on.", "2.1, 6.3")
    operation_finished_forever: bool = _switch(False, "Tasks stay OperationFinished and never become Finished.", "6.3, 8.10")
    task_running: float = _switch(0.4, "Seconds for which the task of an action is Running.", "6.3")
    task_collecting: float = _switch(0.4, "Seconds for which it is OperationFinished after that.", "6.3")
    tasks_kept: float = _switch(0.0, "Seconds after which a finished task is gone by itself; 0: it stays.", "3.1, 8.5")
    # Sessions
    idle_timeout: float = _switch(900.0, "Seconds without a request after which a logon session expires.", "3.3")
    second_logoff: Literal[401, 404, 500] = _switch(
        401, "Status of logging off a session that is gone, with its own token.", "3.3", (401, 404, 500)
    )
    unknown_session: Literal[500, 404] = _switch(
        500, "Status of GET and DELETE of a logon session id that does not exist.", "3.3", (500, 404)
    )
    token_form: Literal["text", "raw"] = _switch(
        "text",
        "Token is base64 of the session id's text (current), or of its 16 bytes (older).",
        "3.2",
        ("text", "raw"),
    )
    logon_session_id: bool = _switch(
        True, "Whether the logon's body has a SessionId; if not, the links and Location still tell.", "3.2"
    )
    # JSON and XML shapes
    json_tasks: Literal["tasks_tasks", "tasks", "tasks_task"] = _switch(
        "tasks_tasks",
        "Tasks in JSON: Resources.Tasks.Tasks, a list in Resources.Tasks, or Resources.Tasks.Task (of one: an object).",
        "1.2, 8.1",
        ("tasks_tasks", "tasks", "tasks_task"),
    )
    json_case: Literal["version", "pascal", "camel"] = _switch(
        "version", "Case of JSON keys: as the version has it, or as given.", "1.3, 8.8", ("version", "pascal", "camel")
    )
    json_nulls: bool = _switch(True, "Whether members without a value are written as null, or left out (as 9.5 did).", "1.2")
    json_result_flags: bool = _switch(True, "Whether a Result in JSON has CredentialsNeeded and ConfirmationNeeded.", "1.4")
    empty_query: Literal["list", "null", "missing"] = _switch(
        "list",
        "A query without a match: an empty list, a null list, or no Resources / Entities / Refs at all.",
        "1.2, 2.2",
        ("list", "null", "missing"),
    )
    bare_ampersands: bool = _switch(False, "Print & unescaped in the links of XML, as the document does: not well-formed.", "2")
    bom: bool = _switch(False, "Begin every body with a byte-order mark.", "2, 8.9")
    run_result_running: Literal["None", "absent"] = _switch(
        "None", "Result of a run that has not ended.", "6.4", ("None", "absent")
    )
    # Paging and links
    pages_count_when_empty: Literal[1, 0] = _switch(1, "PagesCount of an empty result.", "4, 8.4", (1, 0))
    paging: Literal["normal", "loop", "repeat", "no_next"] = _switch(
        "normal",
        "normal; loop: Next leads back to page 1; repeat: page= is ignored; no_next: no Next link though pages remain.",
        "4",
        ("normal", "loop", "repeat", "no_next"),
    )
    hrefs: Literal["mirror", "foreign", "http"] = _switch(
        "mirror",
        "Links begin with the address the client used, with a foreign host, or with http and port 9399.",
        "7",
        ("mirror", "foreign", "http"),
    )
    max_page_size: int = _switch(0, "Larger page sizes are cut to this without a word; 0 is no limit.", "4, 8.4")
    page_beyond: Literal["empty", "error", "last"] = _switch(
        "empty",
        "A page after the last: no rows, an error, or the last page again.",
        "4, 8.4",
        ("empty", "error", "last"),
    )
    # Errors and transport
    error_format: Literal["follow", "xml", "json", "text", "html", "problem", "fault"] = _switch(
        "follow",
        "Format of error bodies: as Accept asks, or always this; problem is ASP.NET's, fault WCF's.",
        "1.6",
        ("follow", "xml", "json", "text", "html", "problem", "fault"),
    )
    stack_trace: bool = _switch(False, "Whether Error bodies have a StackTrace, which nobody should have to read.", "1.6")
    bad_request: Literal[500, 400] = _switch(
        500, "Status of a GET with a bad filter, sort field, page or type.", "4, 8.4", (500, 400)
    )
    unknown_resource: Literal[404, 500] = _switch(
        404, "Status for the id of a job, run or server that does not exist.", "3.3", (404, 500)
    )
    header_case: Literal["normal", "lower"] = _switch(
        "normal", "Whether response header names arrive in lower case.", "3.2", ("normal", "lower")
    )
    max_request_line: int = _switch(
        16384,
        "A longer request line is refused: 400 HTML (12), 414 (13). HTTP.sys allows 16384, Kestrel 8192. 0: no limit.",
        "Microsoft's defaults, not in the wire facts",
    )
    latency_ms: float = _switch(0.0, "Delay before every answer: one round trip of a slow link.", "issue 6")
    latency_connect_trips: int = _switch(
        2, "Round trips a new connection costs besides (TCP and TLS), added to its first answer.", "issue 6"
    )
    # Jobs and runs
    action_answer: Literal[202, 200, 201, 204] = _switch(
        202, "Status of a job action's answer; 204 is done at once and leaves no task.", "6.1", (202, 200, 201, 204)
    )
    run_delay: float = _switch(0.6, "Seconds between the start of a job and the moment its run can be seen.", "6.3")
    run_starting: float = _switch(0.3, "Seconds for which a run is Starting.", "6.4")
    run_stopping: float = _switch(0.3, "Seconds for which a stopped run is Stopping.", "6.4")
    run_duration: float = _switch(3.0, "Seconds a run takes, for jobs without a duration of their own.", "6.4")
    auto_retries: int = _switch(0, "How often the backup server tries a failed run again by itself.", "6.4, issue 16")
    auto_retry_wait: float = _switch(1.0, "Seconds it waits before each.", "6.4, issue 16")
    run_listed_after_end: float = _switch(
        -1.0, "Seconds after its end from which a run is listed, and not before; -1: run_delay decides.", "6.3, issue 16"
    )
    copies_idle: bool = _switch(
        False, "Runs of copy jobs do not end: they go over to Idle, and a Sync lets them work again.", "6.4, issue 16"
    )
    zero_job_uids: bool = _switch(False, "Runs of agent and NAS jobs all have a JobUid of zeros.", "6.4, issue 16")
    schedule_delay: float = _switch(
        0.0, "Seconds after its task for which a change of a job's schedule or settings is not shown.", "6.2, issue 15"
    )
    related_run: Literal["own", "other_job", "old"] = _switch(
        "own",
        "Which run the task of a start leads to: its own, one of another job, or an older one of the same job.",
        "6.3, issue 15",
        ("own", "other_job", "old"),
    )
    # Bodies of requests
    body_keys: Literal["exact", "any"] = _switch(
        "exact", "JSON keys of request bodies on version 13: PascalCase only, or camelCase, too.", "9.1", ("exact", "any")
    )
    unknown_members: Literal["ignored", "refused"] = _switch(
        "ignored", "What a body's members do that the reference does not know.", "9.1", ("ignored", "refused")
    )
    example_codes: bool = _switch(
        False, "Answer with the status of the reference's examples, where its text has another (201 for 202).", "13"
    )
    roles: Literal["table", "writes", "anything"] = _switch(
        "table",
        "What other roles than Portal Administrator may do: as the reference's table has it, only read, or anything.",
        "13.2",
        ("table", "writes", "anything"),
    )
    refused_read: Literal["403", "empty"] = _switch(
        "403",
        "What a role is answered that may not read something: 403, or nothing but empty lists.",
        "8.11, 13.2",
        ("403", "empty"),
    )
    object_delay: float = _switch(0.0, "Seconds after its task for which something new is not shown.", "13.1")
    tenant_edit_needs: Literal["password", "type", "nothing"] = _switch(
        "password",
        "What an edit of a tenant has to hold, lest it be a 500: the password, the tenant type as well, or nothing.",
        "13.3",
        ("password", "type", "nothing"),
    )
    # Infrastructure and what jobs hold
    lookup_no_hit: Literal["empty", "404", "500"] = _switch(
        "empty", "A look-up without a hit: an empty list or this status.", "10.2", ("empty", "404", "500")
    )
    lookup_match: Literal["exact", "contains"] = _switch(
        "exact", "Whether a look-up by name finds that name alone, or all that contain it.", "10.2", ("exact", "contains")
    )
    machine_type: Literal["Vm", "VM", "vm"] = _switch(
        "Vm", "How the type of a machine is spelt in references that the server writes.", "10.1", ("Vm", "VM", "vm")
    )
    object_lag: float = _switch(
        0.5, "Seconds after its task for which the list of a job's objects does not show a change.", "10.3"
    )
    queried_objects: Literal["short", "full"] = _switch(
        "short",
        "Objects of jobs in a query's answer: without guest processing options, or as the job's own list has them.",
        "10.3",
        ("short", "full"),
    )
    object_twice: Literal["ok", "error", "duplicate"] = _switch(
        "ok",
        "Adding an object that the job holds: nothing happens, the task fails, or it is there twice.",
        "10.3",
        ("ok", "error", "duplicate"),
    )
    unknown_reference: Literal["task", "400"] = _switch(
        "task", "Adding what the inventory does not know: the task fails, or a 400.", "10.3", ("task", "400")
    )
    # Backup and restore of machines
    quick_backup_without_full: Literal["task", "session", "full"] = _switch(
        "task",
        "Quick backup of a machine without a full backup: the task fails, the run fails, or it makes a full one.",
        "11.1",
        ("task", "session", "full"),
    )
    filter_by_reference: bool = _switch(
        True, "Whether restore points are filtered by HierarchyObjRef, which the reference does not say and clients do.", "11.2"
    )
    point_delay: float = _switch(0.0, "Seconds after the end of a run for which its restore points are not shown.", "11.2")
    restore_duration: float = _switch(3.0, "Seconds a restore takes.", "11.2")
    restore_body: Literal["optional", "required"] = _switch(
        "optional", "Whether a restore without a body is started, or a 500.", "11.2", ("optional", "required")
    )
    # Jobs as code
    clone_name: Literal["asked", "link", "job"] = _switch(
        "link",
        "A clone's name: as asked for; its link in the task has a generated one; or the job itself has that.",
        "12.1",
        ("asked", "link", "job"),
    )
    utc_offset: float = _switch(1.0, "Hours that the backup server's clock is ahead of UTC, in times of schedules.", "12.2")
    schedule_times: Literal["converted", "wall"] = _switch(
        "converted",
        "A time with another offset than the server's is converted to the server's clock, or taken as it is.",
        "12.2",
        ("converted", "wall"),
    )
    json_times: Literal["datetime", "time"] = _switch(
        "datetime", "Times of schedules in JSON: a moment of the past, or as XML has them.", "12.2", ("datetime", "time")
    )
    continuous_spelling: Literal["OptionsContinuous", "OptionsContinious"] = _switch(
        "OptionsContinuous",
        "How the server spells continuous scheduling; both are understood.",
        "12.2",
        ("OptionsContinuous", "OptionsContinious"),
    )
    retry_specified: Literal["RetrySpecified1", "RetrySpecified"] = _switch(
        "RetrySpecified1",
        "How JSON answers spell RetrySpecified; both are understood.",
        "12.2",
        ("RetrySpecified1", "RetrySpecified"),
    )
    # Odd servers, and what stands between
    language: Literal["en", "de"] = _switch("en", "The language of every message.", "3.1, issue 16", ("en", "de"))
    query_filter: Literal["honoured", "ignored", "rejected", "empty"] = _switch(
        "honoured",
        "What a filter on any type but Task does: it works, is ignored, is an error, or finds nothing at all.",
        "4, issue 15",
        ("honoured", "ignored", "rejected", "empty"),
    )
    odd_links: Literal["plain", "dots", "outside", "double", "no_api", "blank"] = _switch(
        "plain",
        "Links as they should be; with /api/.. in front; leading out of /api; with //api; without /api; with blanks in and around.",
        "7, issue 15",
        ("plain", "dots", "outside", "double", "no_api", "blank"),
    )
    base_path: str = _switch("", "A reverse proxy's path, such as /veeam, below which alone there is an answer.", "7, issue 16")
    base_path_in_links: bool = _switch(False, "Whether links have that path, too.", "7, issue 16")
    xml_forbidden: Literal["replaced", "references", "raw"] = _switch(
        "replaced",
        "What XML 1.0 forbids (control characters, U+FFFE, half surrogates): U+FFFD, a reference as .NET writes it, or raw.",
        "2, issue 16",
        ("replaced", "references", "raw"),
    )
    xml_text: Literal["plain", "cdata", "comments"] = _switch(
        "plain",
        "Texts in XML: plain, as CDATA where they would have to be escaped, or with a comment in them.",
        "2, issue 16",
        ("plain", "cdata", "comments"),
    )
    never_date: Literal["1753", "1899", "1900", "0001"] = _switch(
        "1753", 'The year of the date that stands for "never".', "2, issue 16", ("1753", "1899", "1900", "0001")
    )
    running_end: Literal["absent", "never"] = _switch(
        "absent", "EndTime of what has not ended: not there, or a date that means never.", "6.4, issue 16", ("absent", "never")
    )
    throttle_every: int = _switch(0, "Every so many requests, of whatever method, one is a 429; 0: none.", "7, issue 15")
    throttle_wait: float = _switch(1.0, "Its Retry-After in seconds.", "7, issue 15")
    early_hints: bool = _switch(False, "Send 103 Early Hints before every answer.", "7, issue 15")
    doubled_token: bool = _switch(False, "Send the session header of a logon twice.", "3.2, issue 15")
    idle_connection: float = _switch(
        0.0, "Seconds after which a kept connection is dead without a word: the next request is reset. 0: never.", "7, issue 15"
    )
    # Clocks
    server_clock_skew: float = _switch(
        0.0, "Seconds that backup servers' clocks are ahead of Enterprise Manager's, in all times of runs.", "6.4, issue 16"
    )

    def __setattr__(self, name: str, value: Any) -> None:
        known = SWITCHES.get(name)
        if known is None:
            raise AttributeError(f"there is no switch {name!r}; see python -m emulator --list-switches")
        self.__dict__[name] = _coerce(known, value)
        self.__dict__["revision"] = self.revision + 1

    @property
    def revision(self) -> int:
        """A number that grows with every change, for caches."""
        return cast(int, self.__dict__.get("revision", 0))

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several switches; none is changed if one is wrong."""
        coerced = {}
        for name, value in values.items():
            if name not in SWITCHES:
                raise AttributeError(f"there is no switch {name!r}; see python -m emulator --list-switches")
            coerced[name] = _coerce(SWITCHES[name], value)
        for name, value in coerced.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return every switch by name."""
        return {name: getattr(self, name) for name in SWITCHES}


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _coerce(known: Field[Any], value: Any) -> Any:
    """Return the value in the switch's own type, whatever a command line or a playbook made of it."""
    default = known.default
    result: Any = value
    try:
        if isinstance(default, bool):
            result = _WORDS[str(value).lower()]
        elif isinstance(default, int):
            result = int(value)
        elif isinstance(default, float):
            result = float(value)
        else:
            result = str(value)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"switch {known.name} cannot be {value!r}") from None
    choices = known.metadata["choices"]
    if choices and result not in choices:
        raise ValueError(f"switch {known.name} is one of {', '.join(map(str, choices))}; not {value!r}")
    return result


SWITCHES: dict[str, Field[Any]] = {}
SWITCHES.update({known.name: known for known in fields(Switches)})


def switch_table() -> str:
    """Return the switches as a Markdown table, for the README and --list-switches."""
    lines = ["| switch | default | choices | what it does | wire-facts |", "|---|---|---|---|---|"]
    for known in SWITCHES.values():
        choices = ", ".join(f"`{choice}`" for choice in known.metadata["choices"])
        if not choices:
            choices = {bool: "true, false", int: "a number", float: "a number", str: "text"}[type(known.default)]
        source = known.metadata["source"]
        source = f"\u00a7{source}" if source[0].isdigit() else source
        lines.append(f"| `{known.name}` | `{known.default}` | {choices} | {known.metadata['doc']} | {source} |")
    return "\n".join(lines)
