"""Where objects lie: a folder, or a bucket of an S3-compatible server. Secrets stand in a file of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/?)*\Z")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The store; what is not said of S3 follows from the environment as for every tool of AWS."""

    kind: Literal["folder", "s3"] = "folder"
    bucket: str = ""
    #: `conductor/` keeps the bucket's other contents apart
    prefix: str = ""
    #: `https://s3.studio.example`; empty: AWS
    endpoint: str = ""
    region: str = "us-east-1"
    #: encryption at rest by the server; with `aws:kms` by the key named, or the bucket's own
    sse: Literal["", "AES256", "aws:kms"] = ""
    kms_key: str = ""
    #: in the form of ~/.aws/credentials; empty: from the environment, that file, or the machine's role
    credentials_file: str = ""
    #: PEM file of the authority that signed the server's certificate; empty: those that are known anyway
    ca_file: str = ""
    #: large files go from the artist's machine straight to the server
    direct: bool = True
    #: the network between is trusted with the content of every file
    allow_plain_http: bool = False

    def __post_init__(self) -> None:
        """Refuse what could be no store."""
        if self.kind == "folder":
            if self.bucket or self.endpoint:
                raise ValueError("bucket and endpoint are for kind: s3")
            return
        if not _BUCKET.match(self.bucket):
            raise ValueError(f"bucket {self.bucket!r} is not the name of a bucket")
        if not _PREFIX.match(self.prefix) or len(self.prefix) > 500:
            raise ValueError(f"prefix {self.prefix!r} has more than letters, digits, . _ - and single slashes")
        if self.kms_key and self.sse != "aws:kms":
            raise ValueError("kms_key is for sse: aws:kms")
        self._check_endpoint()

    def _check_endpoint(self) -> None:
        parts = urlsplit(self.endpoint)
        if not self.endpoint:
            return
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.path.strip("/"):
            raise ValueError(f"endpoint {self.endpoint!r} is not an address like https://s3.studio.example")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not self.allow_plain_http:
            raise ValueError(
                "every file would cross the network in the clear: give an https:// endpoint, or set allow_plain_http: true"
            )

    @property
    def address(self) -> str:
        """The URL under which the bucket's keys are."""
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/{self.bucket}"
        if "." in self.bucket:  # a certificate for all buckets stands for one label only
            return f"https://s3.{self.region}.amazonaws.com/{self.bucket}"
        return f"https://{self.bucket}.s3.{self.region}.amazonaws.com"

    @property
    def folder(self) -> str:
        """The prefix with its slash, or nothing."""
        return f"{self.prefix.rstrip('/')}/" if self.prefix else ""
