# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what Python compiled of modules of Ansible, which come as ZIP archives and are compiled anew for every task.

dev/setup.sh puts it into .build/venv, where every Python imports it at its start. It is for the tests, which run thousands
of tasks, each of which spends much of its time on this. Nothing of a task is in those archives, only the code of the module;
what is kept goes by that code, the Python is always the same. VBEM_COMPILE_ALWAYS turns it off, for whoever measures.
"""

from __future__ import annotations

import _imp
import os
import sys
import zipimport
from types import CodeType

KEPT = os.path.join(sys.prefix, "compiled")  # noqa: PTH118 - pathlib would take longer to import than this saves
_compile = zipimport._compile_source  # type: ignore[attr-defined]  # what an importer of archives calls for each file


def compile_once(path: str, source: bytes) -> CodeType:
    """Compile a file of an archive, or read what was made of the same text before; `path` is where it is this time."""
    import hashlib
    import marshal

    file = os.path.join(KEPT, hashlib.blake2b(source, digest_size=20).hexdigest())  # noqa: PTH118
    try:
        with open(file, "rb") as stream:  # noqa: PTH123
            code: CodeType = marshal.load(stream)  # nosec B302
    except (OSError, ValueError, EOFError, TypeError):
        code = _compile(path, source)
        part = f"{file}.{os.getpid()}"
        try:
            with open(part, "xb") as stream:  # noqa: PTH123
                marshal.dump(code, stream)
            os.replace(part, file)  # noqa: PTH105
        except OSError:
            pass
    else:
        _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]  # as importlib does with what it kept
    return code


if not os.environ.get("VBEM_COMPILE_ALWAYS"):
    zipimport._compile_source = compile_once  # type: ignore[attr-defined]
