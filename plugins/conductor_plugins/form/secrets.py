"""What must not leave the workstation by itself: variables and values that look like passwords, tokens and keys."""

from __future__ import annotations

import re

#: words of a name, split at `_`, at other signs and where capitals begin
_SECRET_WORDS = frozenset(
    {
        *("TOKEN", "TOKENS", "KEY", "KEYS", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "PIN"),
        *("CREDENTIAL", "CREDENTIALS", "APIKEY", "AUTH", "COOKIE", "COOKIES", "PRIVATE", "BEARER"),
    }
)
#: ends of words that are glued to others: DBPASSWORD, GITHUBTOKEN
_SECRET_ENDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "APIKEY")
#: access to a cloud or a database: nothing of it is a scene's business
_SECRET_STARTS = ("AWS_", "AZURE_", "GCP_", "GOOGLE_", "VAULT_", "PGPASS", "KUBE")
#: the working folder, not a password
_HARMLESS = frozenset({"PWD", "OLDPWD"})

_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
#: forms that the issuers document; the last two: somebody's password in an address, and text that only chance writes
_SECRET_VALUES = re.compile(
    r"""
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{30,} | \bgithub_pat_[A-Za-z0-9_]{20,} | \bglpat-[A-Za-z0-9_-]{20,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \bAIza[A-Za-z0-9_-]{35}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    | \b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@
    | (?:\A|[=:;,\s])[0-9a-fA-F]{32,}(?:\Z|[;,\s])
    | (?:\A|[=:;,\s])(?=[^\s]*[a-z])(?=[^\s]*[A-Z])(?=[^\s]*[0-9][^\s]*[0-9])[A-Za-z0-9+=_-]{32,}(?:\Z|[;,\s])
    """,
    re.VERBOSE,
)

#: what stands in the place of a secret, however long that is
MASK = "••••••••"


def is_secret(name: str, value: str = "") -> bool:
    """Tell whether a variable, or a metadata key, looks like a secret: by the words of its name, or by its value."""
    return _secret_name(name) or looks_secret(value)


def looks_secret(value: str) -> bool:
    """Tell whether a text looks like a key, a token or an address with a password in it."""
    return _SECRET_VALUES.search(value) is not None


def masked(value: str) -> str:
    """Return what may be shown of a secret: that there is one, not even how long it is."""
    return MASK if value else ""


def _secret_name(name: str) -> bool:
    upper = name.upper()
    if upper in _HARMLESS:
        return False
    words = {word.upper() for word in _CAPITALS.split(name)} | set(re.split(r"[^A-Z0-9]+", upper))
    return bool(words & _SECRET_WORDS) or upper.startswith(_SECRET_STARTS) or any(w.endswith(_SECRET_ENDS) for w in words)
