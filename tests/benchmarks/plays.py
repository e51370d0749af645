# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole plays against whole plays: the collection, and what a user would write with ansible.builtin.uri instead."""

from __future__ import annotations

from place import Place, Table, compare, print_ratio, print_seconds, print_spread, size

MANY = size(1_000, 3)
AWAITED = size(50, 2)
WORKING = float(size(6))  # seconds for which the tasks that are waited for go on


def measure_plays(place: Place) -> Table:
    """Compare listing, removing and waiting."""
    table = Table("Against ansible.builtin.uri", ("work", "this collection", "uri", "ratio"), [])
    place.reset(tasks_scope="global")
    _list(place, table)
    _remove(place, table)
    _wait(place, table)
    table.note = (
        "Seconds are those of whole plays, with the start of Ansible. The uri play that lists logs on and lists; ours logs off"
        " besides. Requests leave logging on and off out"
    )
    return table


def _list(place: Place, table: Table) -> None:
    place.log_on()
    place.make_tasks(20)
    for name in ("empty", "list", "list_uri"):
        place.play(name, expected=20)  # so that no play pays for what is done once
    ours, uri = compare(lambda: place.play("list", expected=20), lambda: place.play("list_uri", expected=20), size(7))
    table.rows.append(("list 20 tasks", f"{print_seconds(ours)} s", f"{print_seconds(uri)} s", print_ratio(ours, uri)))
    ours, empty = compare(lambda: place.play("list", expected=20), lambda: place.play("empty"), size(7))
    label = "the same, beside a play that only pings"
    table.rows.append((label, f"{print_seconds(ours)} s", f"{print_seconds(empty)} s", print_ratio(ours, empty)))


def _remove(place: Place, table: Table) -> None:
    def make() -> None:
        place.reset(tasks_scope="global")
        place.log_on()
        place.make_tasks(MANY)

    ours = []
    for _number in range(size(5)):
        make()
        ours.append(place.play("remove", expected=MANY))
    make()
    uri = [place.play("remove_uri")]  # once is enough of this
    factors = [uri[0] / one for one in ours]
    table.rows.append(
        (f"remove {MANY:,} tasks", f"{print_seconds(ours)} s", f"{print_seconds(uri)} s", f"1 : {print_spread(factors)}")
    )


def _wait(place: Place, table: Table) -> None:
    for label, like in (
        (f"{AWAITED} tasks, all finished: one look at each", {}),
        (f"{AWAITED} tasks that take {WORKING:g} s", {"running_for": WORKING}),
    ):
        counts = {}
        seconds = {}
        for name in ("wait", "wait_uri"):
            place.reset(tasks_scope="global")
            place.log_on()
            place.make_tasks(AWAITED, operation="StartJob", **like)
            ids = [task["task_id"] for task in place.control("/tasks")]
            place.control("/log", method="DELETE")
            seconds[name] = place.play(name, expected=AWAITED, ids=ids)
            counts[name] = place.count_requests()
        table.rows.append(
            (
                f"wait for {label}",
                f"{counts['wait']} requests, {seconds['wait']:.1f} s",
                f"{counts['wait_uri']} requests, {seconds['wait_uri']:.1f} s",
                f"1 : {counts['wait_uri'] / counts['wait']:.0f} requests",
            )
        )
