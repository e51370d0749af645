# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log on, and in which role."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = "Portal Administrator"
OPERATOR = "Restore Operator"
PORTAL_USER = "Portal User"


@dataclass(frozen=True)
class User:
    """An account; without a portal role it may not log on at all."""

    username: str
    password: str
    role: str | None = ADMIN

    @property
    def names(self) -> frozenset[str]:
        """The spellings of the name under which the account may log on, in lower case."""
        name = self.username.lower()
        domain, backslash, user = name.partition("\\")
        return frozenset({name, f"{user}@{domain}"} if backslash else {name})


def default_users() -> dict[str, User]:
    """Return the accounts of a new emulator by a short key.

    The passwords are long, so that masking them hides nothing else, and hold what clients get wrong:
    colons, quotes, and letters outside ASCII.
    """
    return {
        "admin": User("VBEM\\admin", "t5Rk:9vQe-wL2m$XzP7:hB4n", ADMIN),
        "operator": User("VBEM\\operator", "o8Jd:\u00fcbung\u20ac-'Qa3' \"Zs6\" %41+&=;Mw1", OPERATOR),
        "portal": User("VBEM\\portal", "p2Yc-6nGx-uT9k-Ev5a-Hr8s", PORTAL_USER),
        "none": User("VBEM\\nobody", "n7Fb-3mKz-iW4j-Ud6q-Lc1t", None),
    }


def find_user(users: dict[str, User], username: str, password: str) -> User | None:
    """Return the account these credentials belong to."""
    wanted = username.lower()
    for user in users.values():
        if wanted in user.names and user.password == password:
            return user
    return None
