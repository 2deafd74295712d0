"""Date serials: days since an epoch as the number of a cell → a date, a timestamp, a time of day, a duration.

A serial is taken apart as a double: the day is its floor, the time of day its fraction times 86,400,000 milliseconds,
rounded half up. The fraction is exact and the product is off by less than 10^-8 ms, while a serial of our days cannot
tell less than 6 * 10^-4 ms apart; so this rounds as decimal arithmetic would, ties of Excel's own making apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from math import floor

import orjson

_DAY = 86_400_000
_LAST_DAY = date.max.toordinal()
_REMEMBERED = 20_000
_DAYS_END = 2_958_467  # beyond the last day of either system
# A number of days that a PostgreSQL interval (64-bit microseconds) holds with ease; Excel's own end is at 2,958,465.
_MOST_ELAPSED_DAYS = 99_999_999


class Serials:
    """The date system of a workbook.

    Args:
        date1904: Day 0 is 1904-01-01. Otherwise day 1 is 1900-01-01, and there is a day 60 that never was: 1900 was no
            leap year, Lotus 1-2-3 thought it was, and Excel follows.
        epoch: Day 0, in a format that names the day (``.ods``).
    """

    def __init__(self, *, date1904: bool = False, epoch: date | None = None) -> None:
        self._epoch = date(1904, 1, 1) if date1904 and epoch is None else epoch
        self._days: dict[int, bytes] = {}
        # The minutes of a day with the space before them, and whole seconds by their milliseconds.
        sixty = [b":%02d" % number for number in range(60)]
        self._minutes = [hour + minute for hour in [b" %02d" % hour for hour in range(24)] for minute in sixty]
        self._seconds = {number * 1000: text for number, text in enumerate(sixty)}

    def timestamps(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials as ``YYYY-MM-DD`` or ``YYYY-MM-DD HH:MM:SS[.f]``; None for one that is no day that ever was."""
        serials = parse_plain_numbers(texts)
        if serials and min(serials) < 0:
            return list(map(self._timestamp, serials))
        numbers = list(map(int, serials))
        days, minutes, seconds = self._days, self._minutes, self._seconds
        for day in set(numbers) - days.keys():
            self._date(day)
        times = list(map(int, [(serial - day) * _DAY + 0.5 for serial, day in zip(serials, numbers, strict=True)]))
        try:
            # Small tables: one of all seconds of a day was slower, since most of it is in no cache.
            return [
                days[day] + minutes[time // 60_000] + seconds[time % 60_000] if time else days[day]
                for day, time in zip(numbers, times, strict=True)
            ]
        except (KeyError, IndexError):
            return list(map(self._timestamp, serials))

    def _timestamp(self, serial: float) -> bytes | None:
        if not 0 <= serial < _DAYS_END:
            return None
        day = int(serial)
        time = int((serial - day) * _DAY + 0.5)
        text = self._date(day)
        if text is None or not time:
            return text
        if time == _DAY:
            # The day after, by the calendar: 59.999999999 is the 1st of March, not the 60 that never was.
            return self._date(61 if day == 59 and self._epoch is None else day + 1)
        return text + b" " + self._clock(time)

    def times(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials below 1 as ``HH:MM:SS[.f]``, before midnight even if rounding would reach it; None for others."""
        return [
            self._clock(min(int(serial * _DAY + 0.5), _DAY - 1)) if 0 <= serial < 1 else None
            for serial in parse_plain_numbers(texts)
        ]

    def intervals(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials as ``[-]H…H:MM:SS[.f]``; None for one that is more than an interval holds."""
        return [self._interval(float(serial)) for serial in parse_plain_numbers(texts)]

    def _interval(self, serial: float) -> bytes | None:
        if abs(serial) > _MOST_ELAPSED_DAYS:
            return None
        days = floor(abs(serial))
        time = days * _DAY + int((abs(serial) - days) * _DAY + 0.5)
        hours, time = divmod(time, 3_600_000)
        return b"%s%02d%s" % (b"-" if serial < 0 and (hours or time) else b"", hours, self._clock(time)[2:])

    def _date(self, day: int) -> bytes | None:
        text = self._days.get(day) or self._date_text(day)
        if text is not None:
            self._days[day] = text
        return text

    def _date_text(self, day: int) -> bytes | None:
        if self._epoch is not None:
            epoch = self._epoch
        elif day == 60:
            return None
        else:
            epoch = date(1899, 12, 31) if day < 60 else date(1899, 12, 30)
        if epoch.toordinal() + day > _LAST_DAY:
            return None
        return (epoch + timedelta(days=day)).isoformat().encode()

    def _clock(self, milliseconds: int) -> bytes:
        minute, rest = divmod(milliseconds, 60_000)
        fraction = rest % 1000
        text = self._minutes[minute][1:] + self._seconds[rest - fraction]
        return text + (b".%03d" % fraction).rstrip(b"0") if fraction else text


class Memory:
    """Remembers what texts became, up to a limit: dates recur, times of day hardly do.

    Args:
        convert: Converts texts; None for one that it cannot.
    """

    def __init__(self, convert: Callable[[Iterable[bytes]], Sequence[bytes | None]]) -> None:
        self._convert = convert
        self._known: dict[bytes, bytes | None] = {b"": b""}

    def convert(self, texts: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return a column converted; ``b""`` stays, None stands for what could not be converted."""
        known = self._known
        try:
            return list(map(known.__getitem__, texts))
        except KeyError:
            pass
        full = len(known) >= _REMEMBERED
        if full and b"" not in texts:
            return self._convert(texts)
        missing = list(set(texts) - known.keys())
        found = zip(missing, self._convert(missing), strict=True)
        if full:
            known = known | dict(found)
        else:
            known.update(found)
        return list(map(known.__getitem__, texts))


def parse_plain_numbers(texts: Iterable[bytes]) -> list[int | float]:
    """Return the numbers that texts in JSON's syntax denote, all at once: a sixth of the time of ``float()`` for each."""
    numbers: list[int | float] = orjson.loads(b"[%s]" % b",".join(texts))
    return numbers
