# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix: every module, every request that it sends, every fault, and what must hold whatever happens.

``python -m generated.fault_matrix`` (with ``tests`` and the collection's tree on ``PYTHONPATH``) runs it and prints the table. No case
is written by hand. Each scenario of the drivers (`functional.drivers`) is run without a fault, its requests are recorded, and it
is run again with each fault at each of its requests.

- ``fault_harness``: runs a scenario against an emulator with little seed data, and observes everything
- ``faults``: the faults, and how many requests each hits
- ``rules``: what must be true of every run, judged by the emulator's state and log alone
- ``matrix``: recording, injecting, counting
"""
