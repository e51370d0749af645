# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options describe one machine."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.machine import parse_machine

NONE = {"ref": None, "moid": None, "name": None, "root": None}
ROOT = "a2b0c55d-829a-4efe-bd95-125ee77ba9dd"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "set ref, moid with root, or name with root"),
        ({"name": "", "root": "vcenter01"}, "set ref, moid with root, or name with root"),
        ({"ref": f"urn:VMware:Folder:{ROOT}.group-v1"}, "must refer to a virtual machine, but refers to a Folder"),
        ({"ref": "vm-1"}, "give a reference such as"),
        ({"ref": f"urn:VMware:Vm:{ROOT}.vm-1", "moid": "vm-1"}, "either ref or moid"),
        ({"name": "sql*"}, "give the name of one object"),
    ],
)
def test_what_describes_no_machine(params: dict[str, Any], message: str) -> None:
    with pytest.raises(EmError) as caught:
        parse_machine({**NONE, **params})
    assert caught.value.kind == "invalid_option"
    assert message in caught.value.msg


def test_what_describes_a_machine() -> None:
    assert parse_machine({**NONE, "name": " sql01 ", "root": ""})[2:] == (None, "sql01", None, "Vm")
    query = parse_machine({**NONE, "ref": f"urn:vmware:vm:{ROOT.upper()}.vm-1"})
    assert str(query.reference) == f"urn:VMware:Vm:{ROOT}.vm-1"
    assert parse_machine({**NONE, "moid": "vm-1", "root": "vc", "name": "x"}).is_id
