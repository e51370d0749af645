# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix: every module, every request it makes, every fault there is, and what must never come of it.

``python -m generated.fault_matrix`` (with ``tests`` and the collection's tree on ``PYTHONPATH``) runs it and prints the table. Nothing in
it is written by hand but the scenarios: a healthy run of each is recorded, and then run again with each fault at each of
its requests.

- ``stage``: an emulator, a world that is quick to put up, one run of a module, and everything the server knows of it
- ``catalogue``: the faults, and how long each goes on
- ``scenarios``: what modules are asked to do
- ``rules``: what must be true whatever happens, judged by the emulator's state and log alone
- ``matrix``: recording, generating, running, counting
"""
