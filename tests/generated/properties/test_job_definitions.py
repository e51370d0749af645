# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was exported applies without a change, whatever jobs there are, by way of a file."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.filter.core import from_yaml, to_nice_yaml
from functional.harness import Harness
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.modules import veeam_job_definition, veeam_job_definition_info
from emulator import Emulator

from .strategies import plain_texts, share

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("January", "May", "December")
SERVERS = ("vbr01", "vbr02")
names = st.one_of(
    st.sampled_from(("Daily", "daily", "null", "yes", "22:00", "1e3", "{{ 7 * 7 }}", "- x: y", " a", "!unsafe x", "#")),
    plain_texts.filter(lambda text: bool(text.strip())),
)
times = st.tuples(st.integers(0, 23), st.integers(0, 59), st.sampled_from((0, 0, 30))).map(
    lambda one: ":".join(f"{number:02}" for number in one)
)
numbers = st.one_of(st.integers(0, 70), st.integers(0, 999))
texts_or_values = st.booleans()  # the reference's examples have booleans and numbers as texts


def lists_of(known: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(known), unique=True, max_size=len(known))


@st.composite
def schedules(draw: Any, job_uids: list[str]) -> dict[str, Any]:
    """Return schedule options, maybe with several parts enabled, or none, or values that no option has."""
    return {
        "RetryOptions": {
            "RetryTimes": draw(numbers),
            "RetryTimeout": draw(numbers),
            "RetrySpecified": draw(st.booleans()),
        },
        "OptionsDaily": {
            "Kind": draw(st.sampled_from(("Everyday", "WeekDays", "SelectedDays"))),
            "Days": draw(lists_of(DAYS)),
            "Time": draw(times),
            "TimeOffsetUtc": 2,
            "Enabled": draw(st.booleans()),
        },
        "OptionsMonthly": {
            "Time": draw(times),
            "TimeOffsetUtc": 2,
            "DayNumberInMonth": draw(st.sampled_from(("First", "Second", "Third", "Fourth", "Last", "OnDay"))),
            "DayOfWeek": draw(st.sampled_from(DAYS)),
            "Months": draw(lists_of(MONTHS)),
            "DayOfMonth": draw(st.integers(0, 32)),
            "Enabled": draw(st.booleans()),
        },
        "OptionsPeriodically": {
            "Kind": draw(st.sampled_from(("Hours", "Minutes"))),
            "FullPeriod": draw(numbers),
            "Enabled": draw(st.booleans()),
        },
        "OptionsContinuous": {"Enabled": draw(st.booleans())},
        "OptionsDaisyChaining": {"PreviousJobUid": draw(st.sampled_from(job_uids)), "Enabled": draw(st.booleans())},
    }


switches = st.fixed_dictionaries(
    {
        "version": st.sampled_from((12, 13)),
        "utc_offset": st.sampled_from((-7.0, 0.0, 5.75)),
        "json_times": st.sampled_from(("datetime", "time")),
        "continuous_spelling": st.sampled_from(("OptionsContinuous", "OptionsContinious")),
        "retry_specified": st.sampled_from(("RetrySpecified", "RetrySpecified1")),
        "max_page_size": st.sampled_from((0, 3)),
    }
)


@st.composite
def worlds(draw: Any, em: Emulator) -> None:
    """Fill the emulator with backup servers, roots of which some are twins, machines, and jobs that hold some of them."""
    em.reset()
    em.world.clear()
    em.switches.update(draw(switches))
    world = em.world
    machines = []
    for server in SERVERS:
        world.add_server(f"{server}.vbem.test")
        for number in range(draw(st.integers(0, 2))):
            name = draw(st.sampled_from(("vcenter", "vcenter", "esx", "VCENTER")))
            root = world.add_root(
                name,
                server,
                root_id=f"{number:08}-0000-4000-8000-{SERVERS.index(server):012}",
                unique_id=draw(st.sampled_from(("4c4c4544-0042-3510-8054-b4c04f4a3132", "twin", name))),
                host_type=draw(st.sampled_from(("VC", "HvServer"))),
            )
            for moid in range(draw(st.integers(0, 3))):
                item = world.add_machine(root, draw(names), moid=f"vm-{moid}", kind=draw(st.sampled_from(("Vm", "Folder"))))
                machines.append((server, world.inventory.reference(root, item), item.name))
    jobs = []
    for _number in range(draw(st.integers(1, 4))):
        job_type = draw(st.sampled_from(("Backup", "Backup", "Replica", "BackupCopy", "ImmediateBackupCopy")))
        job = world.add_job(draw(names), server=draw(st.sampled_from(SERVERS)), job_type=job_type)
        job.description = draw(plain_texts)
        job.schedule_configured = draw(st.booleans())
        job.set_enabled(draw(st.booleans()))
        jobs.append(job)
    for job in jobs:
        if job.job_type != "ImmediateBackupCopy" and draw(st.booleans()):
            job.schedule = {"Standart": draw(schedules([*(one.uid for one in jobs), "", "urn:veeam:Job:gone"]))}
        policy = {"RetainCycles": draw(numbers), "RetainDaysToKeep": draw(numbers)}
        limit = draw(st.sampled_from(("Cycles", "Days")))
        job.retention = {**job.retention_options, "SimpleRetentionPolicy": {**policy, "RetainLimitType": limit}}
        for server, reference, name in machines:
            if draw(st.booleans()) and server == job.server.name.partition(".")[0] and not job.is_copy:
                world.add_object(job, reference, name=draw(st.sampled_from((name, "an old name"))))
        if draw(st.booleans()) and not job.is_copy:
            world.add_object(job, "urn:VMware:Vm:aaaaaaaa-0000-4000-8000-000000000000.vm-9", name="of a root that is gone")


def write_file(harness: Harness, session: Any) -> str:
    """Return the text of the file that the role export_jobs writes."""
    result = harness.run(veeam_job_definition_info, session, {}, {})
    text: str = to_nice_yaml({"jobs": result["jobs"]}, indent=2, sort_keys=False, width=120)
    return text


@share(0.5)
@given(data=st.data())
def test_what_was_exported_applies_without_a_change(em: Emulator, harness: Harness, data: st.DataObject) -> None:
    data.draw(worlds(em))
    session = em.logon()
    text = write_file(harness, session)
    assert write_file(harness, session) == text
    validated = ArgumentSpecValidator(veeam_job_definition.SPEC).validate({**from_yaml(text), "prune": True, "max_changes": 0})
    assert not validated.error_messages
    result = harness.run(veeam_job_definition, session, {}, validated.validated_parameters)
    assert (result["changed"], result["drift"], result["errors"]) == (False, [], [])
    changing = [entry for entry in em.log if entry.method != "GET" and "session" not in entry.path.lower()]
    assert not changing
