"""Numbers as the panel writes them: bytes, money, times."""

from __future__ import annotations

import time

#: seconds within which a day is told by its name
_WEEKDAYS = 6 * 86_400
#: what is known of nothing
UNKNOWN = "–"
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 frame`, `1,200 frames`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size_text(number: int) -> str:
    """Return bytes with three digits that matter: `512 B`, `1.25 GB`, in powers of 1,000 as disks and networks count."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    if unit == "B":
        return f"{number} B"
    return f"{amount:.{0 if amount >= 99.95 else 1 if amount >= 9.995 else 2}f} {unit}"


def money_text(amount: str, currency: str) -> str:
    """Return a decimal string as money: `€4.20`; what is below ten gets as many digits as the price has, at most four."""
    from decimal import Decimal, InvalidOperation  # loaded with the first price

    try:
        number = Decimal(amount)
    except InvalidOperation:
        return UNKNOWN
    digits = 2 if number == number.quantize(Decimal("0.01")) or number >= 1 else 4
    text = f"{number:,.{digits}f}"
    return f"{_SIGNS[currency]}{text}" if currency in _SIGNS else f"{text} {currency}".rstrip()


def span_text(seconds: float) -> str:
    """Return a time span in its two largest units: `40 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def moment_text(seconds: float, now: float) -> str:
    """Return when it is that many seconds after `now` (seconds since the epoch), as a clock here says it: `14:32`, `Tue 09:10`, `3 Mar`."""
    today, then = time.localtime(now), time.localtime(now + seconds)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if seconds < _WEEKDAYS:
        return time.strftime("%a %H:%M", then)
    return f"{then.tm_mday} {time.strftime('%b', then)}"
