"""Numbers as the panel writes them: bytes, money, times."""

from __future__ import annotations

from datetime import datetime, timedelta

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
    from decimal import Decimal, InvalidOperation  # not before there is a price

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


def moment_text(seconds: float, now: datetime) -> str:
    """Return when it is that many seconds after `now`: `14:32`, `Tue 09:10`, `3 Mar`."""
    then = now + timedelta(seconds=seconds)
    if then.date() == now.date():
        return f"{then:%H:%M}"
    return f"{then:%a %H:%M}" if then - now < timedelta(days=6) else f"{then.day} {then:%b}"
