# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a server, which can be made public: nothing in it is a text of the server, but for known words. Pure."""

from __future__ import annotations

import re
from statistics import median
from typing import Any

from ..options import Connection
from ..protocol.codec import read_text
from ..protocol.shapes import describe_body, describe_headers, describe_link, describe_media_type, describe_product
from .probe import Observation, Probe, read_rows
from .probe_facts import QUESTIONS, Seen, Surprise, find_href
from .probe_requests import Request

DEFAULT_PAGE_SIZE = 500
MAX_SKEW_SECONDS, MIN_CERTIFICATE_DAYS, SLOW_SECONDS = 60, 30, 0.5
UNSAFE_TLS = ("SSLv3", "TLSv1", "TLSv1.1")
# Statuses that some known behaviour of some request explains.
EXPLAINED = {200, 201, 202, 204, 400, 401, 403, 404, 500}
_API_VERSION = re.compile(r"v\d{1,2}_\d{1,2}")
_PRODUCT_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,5}){1,3}")


def list_shown_requests(requests: list[Request]) -> list[dict[str, str]]:
    """Return requests as they are shown: with names in braces for what comes from the server."""
    return [{"request": one.shown, "purpose": one.purpose} for one in requests]


def create_report(probe: Probe, connection: Connection) -> dict[str, Any]:
    """Return what was learnt."""
    seen = Seen(probe, connection)
    answers, surprises, unanswered = _answer(seen)
    switches = {name: answer["value"] for name, answer in answers.items()}
    surprises += _list_odd_answers(probe, surprises)
    evidence = {name: _describe(one) for name, one in probe.observations.items()}
    href = find_href(seen)
    if href is not None:
        evidence["servers"]["first_link"] = describe_link(href)
    return {
        "answers": answers,
        "switches": switches,
        "surprises": surprises,
        "unanswered": unanswered,
        "evidence": evidence,
        "versions": _list_versions(seen),
        "measured": _measure(seen),
        "behaviour": _list_behaviour(switches, connection),
        "problems": _list_problems(seen, switches),
    }


def _answer(seen: Seen) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], dict[str, str]]:
    answers, surprises, unanswered = {}, [], {}
    for name, question in QUESTIONS.items():
        try:
            value = question.answer(seen)
        except Surprise as err:
            surprises.append(_create_surprise(seen.probe.observations[str(err)], question.text))
            unanswered[name] = "the answer is a surprise"
            continue
        if value is None:
            unanswered[name] = _explain(seen, question.requests)
        else:
            asked = [request for request in question.requests if request in seen.probe.observations]
            answers[name] = {"question": question.text, "value": value, "evidence": asked}
    return answers, surprises, unanswered


def _explain(seen: Seen, requests: tuple[str, ...]) -> str:
    """Return why a question has no answer."""
    for name in requests:
        if seen.status(name) == 403:
            return "the user's role may not ask it"
        if name in ("collect", "task", "task_elsewhere") and name not in seen.probe.observations:
            return seen.probe.skipped.get(name, "it needs a task: collect: true makes one")
        if name in seen.probe.skipped:
            return seen.probe.skipped[name]
        observation = seen.probe.observations.get(name)
        if observation is not None and observation.failure is not None:
            return f"no answer came ({observation.failure})"
    return "the server has nothing that tells, or other behaviour hides it"


def _describe(observation: Observation) -> dict[str, Any]:
    response = observation.response
    shown: dict[str, Any] = {"request": observation.request.shown}
    if response is None:
        return {**shown, "failure": observation.failure}
    return {
        **shown,
        "status": response.status,
        "media_type": describe_media_type(response.content_type),
        "server": describe_product(response.headers.get("Server", "")),
        "headers": describe_headers(response.headers),
        "shape": describe_body(response.body, response.content_type),
    }


def _create_surprise(observation: Observation, question: str) -> dict[str, Any]:
    return {"question": question, **_describe(observation)}


def _list_odd_answers(probe: Probe, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return requests without an answer, with a status that nothing explains, or with a body that nobody could read."""
    told = {one["request"] for one in known}
    odd = []
    for one in probe.observations.values():
        response = one.response
        is_read = response is None or response.status >= 400 or response.status == 204
        is_odd = response is None or response.status not in EXPLAINED or (not is_read and not _is_document(one))
        if is_odd and one.request.shown not in told:
            odd.append(_create_surprise(one, one.request.purpose))
    return odd


def _is_document(observation: Observation) -> bool:
    response = observation.response
    return response is not None and isinstance(describe_body(response.body, response.content_type), (dict, list))


def _list_versions(seen: Seen) -> dict[str, Any]:
    api: set[str] = set()
    product: set[str] = set()
    node = seen.data("root").get("supported_versions")
    texts = _iter_texts(node, "name")
    api.update(text for text in texts if _API_VERSION.fullmatch(text))
    for row in seen.rows("servers") or ():
        text = read_text(row, "version") or ""
        product.update([text] if _PRODUCT_VERSION.fullmatch(text) else [])
    return {"api": sorted(api), "backup_server": sorted(product)}


def _iter_texts(node: Any, key: str) -> list[str]:
    if isinstance(node, dict):
        own = read_text(node, key)
        return [*([own] if own else []), *(text for one in node.values() for text in _iter_texts(one, key))]
    return [text for one in node for text in _iter_texts(one, key)] if isinstance(node, list) else []


def _measure(seen: Seen) -> dict[str, Any]:
    seconds = [one.seconds for one in seen.probe.observations.values() if one.response is not None]
    skew = seen.probe.clock_skew
    return {
        "requests": len(seen.probe.observations),
        "median_seconds": round(median(seconds), 3) if seconds else None,
        "slowest_seconds": round(max(seconds), 3) if seconds else None,
        "clock_skew_seconds": None if skew is None else round(skew),
        "tls_version": seen.probe.tls["version"],
        "certificate_days_left": seen.probe.tls["certificate_days_left"],
        "other_sessions_of_user": _count_other_sessions(seen),
    }


def _count_other_sessions(seen: Seen) -> int | None:
    """Return how many logon sessions the user has besides the one that asks."""
    observation = seen.probe.observations.get("sessions")
    if observation is None or observation.response is None or not seen.is_ok("sessions"):
        return None
    user = (seen.connection.username or "").lower()
    names = [(read_text(row, "user_name") or "").lower() for row in read_rows(observation.response)]
    return max(sum(name == user for name in names) - 1, 0) if user in names else None


def _list_behaviour(switches: dict[str, Any], connection: Connection) -> list[str]:
    """Return what the collection will do on this server because of what it is like."""
    form = "XML" if connection.accept.endswith("xml") else "JSON"
    why = "as response_format says" if connection.response_format != "auto" else "as response_format: auto means"
    told = [f"Answers are asked for in {form}, {why}."]
    task_filter = switches.get("task_filter")
    if task_filter == "honoured":
        told.append("Filters of tasks are applied by the server, and again by the collection.")
    elif task_filter is not None:
        told.append("Filters of tasks are applied by the collection, which reads all tasks: the server does not apply them.")
    if switches.get("query_filter") not in (None, "honoured"):
        told.append("Filters of queries are not applied by the server: looking up one job may take as many requests as pages.")
    size = switches.get("max_page_size")
    if size is not None:
        cut = f"are cut to {size} rows" if 0 < size < DEFAULT_PAGE_SIZE else "come whole"
        told.append(f"Pages are asked for with {DEFAULT_PAGE_SIZE} rows, and {cut}.")
    if switches.get("hrefs") in ("foreign", "http"):
        told.append("Links lead to another address: the collection takes their path, and the configured address.")
    return told


def _list_problems(seen: Seen, switches: dict[str, Any]) -> list[str]:
    """Return what is wrong with the set-up, each with a cure."""
    measured = _measure(seen)
    found = []
    refused = sorted({one.request.shown for name, one in seen.probe.observations.items() if seen.status(name) == 403})
    if refused:
        found.append(
            "The user's role may not ask everything, so modules for these fail as well: give it the role Portal Administrator"
            f" if they are needed. Refused: {', '.join(refused)}."
        )
    skew = measured["clock_skew_seconds"]
    if skew is not None and abs(skew) > MAX_SKEW_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        found.append(f"The server's clock is {abs(skew)} s {side} this machine's: set the clocks right.")
    days = measured["certificate_days_left"]
    if days is not None and days < MIN_CERTIFICATE_DAYS:
        found.append(f"The certificate expires in {days} days: renew it.")
    if not seen.connection.validate_certs:
        found.append(
            "The certificate is not validated (validate_certs: false): anybody in between gets the password. Set ca_path."
        )
    if measured["tls_version"] in UNSAFE_TLS:
        found.append(f"The server speaks {measured['tls_version']} at best: enable TLS 1.2 or newer.")
    slow = measured["median_seconds"]
    if slow is not None and slow > SLOW_SECONDS:
        found.append(
            f"A request takes {slow} s, and most tasks of a playbook take three to ten: run them nearer to the server, and"
            " share one session (vbem.rest.veeam_session)."
        )
    others = measured["other_sessions_of_user"]
    if others:
        found.append(
            f"The user has {others} more logon sessions: if no other play runs now, something does not log off. They end after"
            " 15 idle minutes."
        )
    if switches.get("odd_links") in ("outside", "no_api"):
        found.append("Links do not lead into /api/: check the reverse proxy before the server.")
    return found
