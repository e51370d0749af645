# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what Python makes of the same texts for every task and every playbook of Ansible.

- modules of Ansible, which come as ZIP archives and are compiled anew for every task
- plugins of collections: Ansible imports them with a loader of its own, which keeps nothing
- Ansible's YAML files with its settings and its redirections, which each ansible-playbook reads at its start

dev/setup.sh puts it into .build/venv, where every Python imports it at its start. It is for the tests, which run thousands
of tasks, each of which spends much of its time on this. Nothing of a task is in those texts; what is kept goes by the text,
the Python is always the same. VBEM_COMPILE_ALWAYS turns it off, for whoever measures.
"""

from __future__ import annotations

import _imp
import os
import sys
import zipimport
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec

KEPT = os.path.join(sys.prefix, "compiled")  # noqa: PTH118 - pathlib would take longer to import than this saves
_compile = zipimport._compile_source  # type: ignore[attr-defined]  # what an importer of archives calls for each file


def compile_once(path: str, source: bytes) -> CodeType:
    """Compile a file of an archive, or read what was made of the same text before; `path` is where it is this time."""
    return _give_place(make_once("code", source, lambda: _compile(path, source)), path)


def make_once(kind: str, text: bytes, make: Callable[[], Any]) -> Any:
    """Make a value of a text, or read the one that was made of the same text before."""
    import hashlib
    import marshal

    name = hashlib.blake2b(text, digest_size=20, person=kind.encode()).hexdigest()
    file = os.path.join(KEPT, name)  # noqa: PTH118
    try:
        with open(file, "rb") as stream:  # noqa: PTH123
            return marshal.load(stream)  # nosec B302
    except (OSError, ValueError, EOFError, TypeError):
        pass
    value = make()
    part = f"{file}.{os.getpid()}"
    try:
        kept = marshal.dumps(value)
        with open(part, "xb") as stream:  # noqa: PTH123
            stream.write(kept)
        os.replace(part, file)  # noqa: PTH105
    except (OSError, ValueError):
        pass
    return value


def _give_place(code: CodeType, path: str) -> CodeType:
    _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]  # as importlib does with what it kept
    return code


def keep_of_collections(module: ModuleType) -> None:
    """Let Ansible's loader of collections keep code and redirections."""
    read = module._meta_yml_to_dict

    def compile_kept(source: bytes | str, filename: str, **how: Any) -> CodeType:
        text = source.encode() if isinstance(source, str) else source
        return _give_place(make_once("code", text, lambda: compile(source, filename, **how)), filename)

    def read_kept(text: bytes | str, content_id: Any) -> Any:
        return make_once("redirections", text.encode() if isinstance(text, str) else text, lambda: read(text, content_id))

    module.compile = compile_kept  # type: ignore[attr-defined]  # found before the built-in function
    module._meta_yml_to_dict = read_kept  # type: ignore[attr-defined]


def keep_of_settings(module: ModuleType) -> None:
    """Let Ansible keep what its settings are."""
    load = module.yaml_load

    def load_kept(stream: Any) -> Any:
        text = stream.read()
        return make_once("settings", text, lambda: load(text))

    module.yaml_load = load_kept  # type: ignore[attr-defined]


class Watch:
    """Waits for modules of Ansible to be imported, and changes them after they have run."""

    changes = {  # noqa: RUF012
        "ansible.config.manager": keep_of_settings,
        "ansible.utils.collection_loader._collection_finder": keep_of_collections,
    }

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return nothing for any other module; for these what the other finders say, with the change."""
        change = cls.changes.pop(name, None)
        if change is None:
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((one for one in found if one is not None), None)
        loader: Any = spec and spec.loader
        if loader is not None:
            run = loader.exec_module

            def run_and_change(module: ModuleType) -> None:
                run(module)
                change(module)

            loader.exec_module = run_and_change
        return spec


if not os.environ.get("VBEM_COMPILE_ALWAYS"):
    zipimport._compile_source = compile_once  # type: ignore[attr-defined]
    sys.meta_path.insert(0, Watch)
