# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two libraries that the collection needs, imported only when they are used."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

from .errors import EmError

MINIMUM_VERSIONS = {"requests": "2.25.1", "xmltodict": "0.12.0"}


def load_library(name: str) -> Any:
    """Import a library and return it. Raise ``missing_library``, with the traceback as detail, where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise EmError(
            "missing_library",
            f"The Python library {name} is missing for {sys.executable}: install it there (python -m pip install"
            f" '{name}>={MINIMUM_VERSIONS[name]}'), or point ansible_python_interpreter to a Python that has it.",
            detail=traceback.format_exc(),
        ) from None
