# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_session is driven."""

from __future__ import annotations

from collections.abc import Iterator

from . import Scenario
from .checks import REPLACING_EFFECTS
from .observation import Observation, Setup


def _expire(setup: Setup) -> None:
    setup.em.expire(setup.session)


def check_present(observed: Observation, _healthy: Observation) -> Iterator[str]:
    """A session that is returned is alive, and is the one that was opened or borrowed."""
    if observed.result is None:
        return
    returned = observed.result["session"]
    if observed.result["changed"] != bool(observed.opened):
        yield f"changed is {observed.result['changed']}, and {len(observed.opened)} sessions were opened"
    expected = observed.opened[0] if observed.opened else observed.setup.session
    if expected is None or (returned["id"], returned["token"]) != (expected.id, expected.token):
        yield "the returned session is not the one that was opened or borrowed"
        return
    is_expired = any(entry.fault in ("expire", "clock") for entry in observed.log)
    if expected.id not in observed.open and not is_expired:
        yield "the returned session is not alive"


def check_absent(observed: Observation, _healthy: Observation) -> Iterator[str]:
    """A session that is reported as logged off is; changed means by this run."""
    session = observed.setup.session
    if observed.result is None or session is None:
        return
    requests = observed.sent("DELETE", f"/logonSessions/{session.id}")
    done = bool(observed.done("DELETE", f"/logonSessions/{session.id}"))
    is_false_401 = any(entry.fault == "status" and entry.status == 401 for entry in observed.log)  # which nobody can know
    if session.id in observed.open and not is_false_401:
        yield "reported as logged off, and still open"
    # Who ended it cannot be known where the answer to the log-off was lost or replaced.
    is_known = all(entry.fault not in REPLACING_EFFECTS for entry in requests)
    if observed.result["changed"] != done and is_known:
        yield f"changed is {observed.result['changed']}, and the log-off was {'' if done else 'not '}carried out"


ABSENT = {"state": "absent"}

SCENARIOS = [
    Scenario("session-present-own", check_present),
    Scenario("session-present-alive", check_present, borrowed=True),
    Scenario("session-refresh-alive", check_present, borrowed=True, credentials=True),
    Scenario("session-refresh-gone", check_present, borrowed=True, credentials=True, prepare=_expire),
    Scenario("session-absent", check_absent, ABSENT, borrowed=True, logs_off=True),
    Scenario("session-absent-gone", check_absent, ABSENT, borrowed=True, logs_off=True, prepare=_expire),
]
