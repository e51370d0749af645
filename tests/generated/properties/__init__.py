# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to hold for every input, tried with inputs that Hypothesis makes up.

`HYPOTHESIS_PROFILE=thorough` tries many more, and others each time; the default is the same small choice each time.
"""
