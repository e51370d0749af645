# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a checkpoint: where it is, and what is none."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.events.checkpoint import (
    Checkpoint,
    append_emitted,
    read_checkpoint,
    write_checkpoint,
)

EM = "em1:9398"
NOT_ONE = "it is not a checkpoint of this source"


def create_checkpoint() -> Checkpoint:
    now = time.time()
    made = Checkpoint(now - 90000, now)
    made.emitted = {"a": now - 10, "b": 4102444800.0}  # a backup server's clock may be wrong by decades
    made.pending = {"c": ("urn:veeam:BackupJobSession:c", 2)}
    return made


def refuse(path: Path) -> str:
    with pytest.raises(EmError) as caught:
        read_checkpoint(path, EM)
    assert caught.value.kind == "invalid_option"
    assert f"The option state_file cannot be '{path}': " in caught.value.msg
    return caught.value.msg


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert read_checkpoint(path, EM) is None
    write_checkpoint(path, EM, create_checkpoint())
    read = read_checkpoint(path, EM)
    assert read is not None
    assert read.dump()["emitted"].keys() == {"a", "b"}
    assert read.pending == {"c": ("urn:veeam:BackupJobSession:c", 2)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_added_is_read(tmp_path: Path) -> None:
    path, link = tmp_path / "state.json", tmp_path / "link.json"
    link.symlink_to(path)
    with pytest.raises(FileNotFoundError):
        append_emitted(path, "d", 5.0)
    write_checkpoint(path, EM, create_checkpoint())
    before = path.read_bytes()
    append_emitted(link, "d", 1764211664.25)
    append_emitted(path, "c", 1764211665.5)
    added = path.read_bytes()
    assert added.startswith(before)
    assert len(added) - len(before) < 60
    read = read_checkpoint(path, EM)
    assert read is not None
    assert read.emitted == {**read.emitted, "c": 1764211665.5, "d": 1764211664.25}
    assert read.emitted.keys() == {"a", "b", "c", "d"}


@pytest.mark.parametrize("part", ["[", '["d"', '["d", 17642116', '["d", 1764211664.25]'])
def test_a_line_that_was_not_written_to_its_end_is_left_out(tmp_path: Path, part: str) -> None:
    path = tmp_path / "state.json"
    write_checkpoint(path, EM, create_checkpoint())
    append_emitted(path, "e", 5.0)
    path.write_text(path.read_text(encoding="utf-8") + part, encoding="utf-8")
    read = read_checkpoint(path, EM)
    assert read is not None
    assert read.emitted.keys() == {"a", "b", "e"}


@pytest.mark.parametrize("line", ["", "{}", "7", '["d"]', '["d", "e"]', '["d", 5, 5]', '["d", NaN]', "no JSON"])
def test_a_line_that_is_none_of_ours(tmp_path: Path, line: str) -> None:
    path = tmp_path / "state.json"
    write_checkpoint(path, EM, create_checkpoint())
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    assert NOT_ONE in refuse(path)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    target, between, link = folder / "kept.json", tmp_path / "between", tmp_path / "state.json"
    between.symlink_to(Path("volume") / "kept.json")
    link.symlink_to(between)
    if is_there:
        write_checkpoint(target, EM, create_checkpoint())
    assert (read_checkpoint(link, EM) is not None) is is_there
    write_checkpoint(link, EM, create_checkpoint())
    assert link.is_symlink()
    assert between.is_symlink()
    assert read_checkpoint(target, EM) is not None
    assert sorted(path.name for path in (*tmp_path.iterdir(), *folder.iterdir())) == [
        "between",
        "kept.json",
        "state.json",
        "volume",
    ]


def test_where_no_file_can_be(tmp_path: Path) -> None:
    circle, dangling, pipe = tmp_path / "circle", tmp_path / "dangling", tmp_path / "pipe"
    circle.symlink_to(circle)
    dangling.symlink_to(tmp_path / "nowhere" / "state.json")
    os.mkfifo(pipe)
    assert "its folder does not exist or is not writable" in refuse(dangling)
    assert "its folder does not exist or is not writable" in refuse(tmp_path / "nowhere" / "state.json")
    assert "it is not a regular file" in refuse(tmp_path.parent / tmp_path.name)
    assert "it is not a regular file" in refuse(pipe), "nobody waits for a writer"
    assert "symbolic links" in refuse(circle)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        "\ud800",
        "[" * 200_000,
        '{"a":' * 200_000,
        "9" * 10_000,
        '{"checkpoint": {"low_watermark": "x"}, "enterprise_manager": "em1:9398"}',
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert NOT_ONE in refuse(path)


@pytest.mark.parametrize(
    "change",
    [
        *({name: value} for name in ("low_watermark", "high_watermark") for value in (float("nan"), float("inf"), 1e30, -1e30)),
        *({"low_watermark": value} for value in (None, True, "1", "nan", [], {}, 10**400)),
        *({"emitted": {"a": value}} for value in (float("nan"), float("-inf"), 1e30, "1", None)),
        *({"emitted": value} for value in (None, [], "a", 1)),
        *({"pending": {"a": value}} for value in (None, "ab", ["u"], ["u", -1], ["u", float("inf")], ["u", True], [None, 1])),
    ],
    ids=str,
)
def test_values_that_a_checkpoint_cannot_have(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "state.json"
    dump = {**create_checkpoint().dump(), **change}
    path.write_text(json.dumps({"enterprise_manager": EM, "checkpoint": dump}), encoding="utf-8")
    assert NOT_ONE in refuse(path)


@pytest.mark.parametrize("name", ["low_watermark", "high_watermark"])
def test_times_in_the_future(tmp_path: Path, name: str) -> None:
    """What finishes before them would never be emitted."""
    path = tmp_path / "state.json"
    for ahead in (3600, 10 * 86400):
        dump = {**create_checkpoint().dump(), name: time.time() + ahead}
        path.write_text(json.dumps({"enterprise_manager": EM, "checkpoint": dump}), encoding="utf-8")
        if ahead == 3600:
            assert read_checkpoint(path, EM) is not None, "clocks differ"
    assert "its times lie in the future" in refuse(path)


def test_the_file_of_another_server(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_checkpoint(path, "em2:9398", create_checkpoint())
    assert "it belongs to em2:9398, not to em1:9398" in refuse(path)
