# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are not Enterprise Manager's: pages of proxies and firewalls, and errors of the frameworks below it (issue 16).

The texts are made up; their form is that of the products they are named after.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

_F5 = (
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your"
    " administrator.<br><br>Your support ID is: 4181512012739261234<br><br></body></html>"
)
_NGINX = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_ZSCALER = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Internet Security by Zscaler</title></head><body>'
    "<h2>Sorry, you don't have permission to visit this site.</h2><p>Not allowed to browse this category</p></body></html>"
)
_PLAIN = "<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>This is not the API</h1></body></html>"
PAGES = {"plain": _PLAIN, "f5": _F5, "nginx": _NGINX, "zscaler": _ZSCALER}
SERVERS = {"f5": "BigIP", "nginx": "nginx", "zscaler": "Zscaler/6.2"}


def problem(status: int, message: str) -> bytes:
    """Return an error as ASP.NET prints it: problem details."""
    return json.dumps(
        {
            "type": "https://tools.ietf.org/html/rfc9110#section-15",
            "title": message,
            "status": status,
            "traceId": "00-84c1fd4063c38d9f3900d06e56542d48-85d1d4-00",
        }
    ).encode()


def wcf_fault(message: str) -> bytes:
    """Return an error as WCF prints it: a Fault in a namespace of its own."""
    namespace = "http://schemas.microsoft.com/ws/2005/05/envelope/none"
    return (
        f'<Fault xmlns="{namespace}"><Code><Value>Receiver</Value><Subcode><Value'
        ' xmlns:a="http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher">a:InternalServiceFault'
        f'</Value></Subcode></Code><Reason><Text xml:lang="en-US">{escape(message)}</Text></Reason></Fault>'
    ).encode()
