# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a module's options its invocation shows."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.module import _Module, create_connection_spec


def show(**params: Any) -> dict[str, Any]:
    module = object.__new__(_Module)  # Ansible reads the options
    module.argument_spec = create_connection_spec()
    module.params = params
    shown: dict[str, Any] = module._create_invocation()["module_args"]
    assert shown.keys() == params.keys()
    return shown


def test_secrets_are_hidden_and_other_options_are_shown() -> None:
    given = {"hostname": "em", "host": "em", "port": 9398, "password": None, "session": None, "ca_path": None}
    assert show(**given) == given
    hidden = show(**{**given, "password": "secret", "session": {"id": "an-id"}, "_one_time_pad": "pad"})
    assert hidden == {**given, "password": "(hidden)", "session": "(hidden)", "_one_time_pad": "(hidden)"}


@pytest.mark.parametrize("value", ["secret", {"id": "an-id", "token": "a-token"}, ["secret"]])
def test_unknown_options_are_hidden(value: Any) -> None:
    """They may hold secrets, and ansible-core 2.16 leaves them among the options."""
    assert show(sesion=value, passwd=value, port=1) == {"sesion": "(hidden)", "passwd": "(hidden)", "port": 1}


@pytest.mark.parametrize("name", ["hostname", "host"])
def test_a_url_with_a_user_is_hidden(name: str) -> None:
    assert show(**{name: "https://u:secret@em:9398"}) == {name: "(hidden)"}
