"""How the service sends e-mails: by which server, as whom."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from typing import Literal

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """A mail server, and who writes; without a host no e-mail is sent. The password stands in a file of its own."""

    host: str = ""
    port: int = 587
    #: `starttls` on the port for submission (587), `tls` from the first byte on (465), `none` within one machine or network
    security: Literal["starttls", "tls", "none"] = "starttls"
    #: PEM file of the authority that signed the server's certificate; empty: those that the system knows
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    #: `Conductor <conductor@studio.example>`
    sender: str = ""
    #: for each answer of the server; seconds
    timeout_seconds: int = 20

    def __post_init__(self) -> None:
        """Refuse what no mail could be sent by."""
        if not self.host:
            return
        if not 0 < self.port <= 65535:
            raise ValueError(f"port {self.port} is not between 1 and 65535")
        if self.timeout_seconds <= 0:
            raise ValueError("timeout_seconds must be more than 0")
        if any(ord(c) < 32 for c in self.sender) or "@" not in self.sender_address:
            raise ValueError(f"sender {self.sender!r} is not an e-mail address such as Conductor <conductor@studio.example>")
        if bool(self.user) != bool(self.password_file):
            raise ValueError("user and password_file go together: one of them is missing")
        if self.user and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("the password would cross the network in the clear: set security to starttls or tls")

    @property
    def sender_address(self) -> str:
        """The sender's bare address."""
        return email.utils.parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The sender's domain."""
        return self.sender_address.rpartition("@")[2]
