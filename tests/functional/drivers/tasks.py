# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that the scenarios of several modules need."""

from __future__ import annotations

from .observation import Setup


def make_five_tasks(setup: Setup) -> None:
    """Make tasks of every state and outcome in the borrowed session."""
    em, session = setup.em, setup.session
    assert session is not None
    em.make_task(session, "StartJob", message="Ok")
    em.make_task(session, "StopJob", success=False, message="Nobody there.")
    em.make_task(session, "StartJob", state="Running")
    em.make_task(session, "UpdateJob")
    em.make_task(session, "StartJob", state="OperationFinished")
