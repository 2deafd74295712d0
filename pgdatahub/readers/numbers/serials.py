"""Conversion of date serials (days since an epoch) to dates, timestamps, times of day and durations.

A serial is a double. Its floor is the day; its fraction times 86,400,000, rounded half up, is the time of day in
milliseconds. The fraction is exact and the product's error is below 10^-8 ms, while present-day serials are at least
6 * 10^-4 ms apart. The result therefore equals the result of decimal arithmetic, except for ties that Excel produces itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from math import floor

import orjson

_DAY = 86_400_000
_LAST_DAY = date.max.toordinal()
_REMEMBERED = 20_000
_DAYS_END = 2_958_467  # after the last day of either date system
EPOCH_1904 = date(1904, 1, 1)
"""Day 0 of the date system of 1904."""
# Days that fit easily into a PostgreSQL interval (64-bit microseconds); Excel's last day is 2,958,465.
_MOST_ELAPSED_DAYS = 99_999_999


class Serials:
    """The date system of a workbook.

    Args:
        date1904: Day 0 is 1904-01-01. Otherwise day 1 is 1900-01-01, and day 60 stands for 1900-02-29, which does not
            exist: 1900 was not a leap year, but Lotus 1-2-3 treated it as one, and Excel follows.
        epoch: Day 0, for a file format that states day 0 (``.ods``).
    """

    def __init__(self, *, date1904: bool = False, epoch: date | None = None) -> None:
        self._epoch = EPOCH_1904 if date1904 and epoch is None else epoch
        self._days: dict[int, bytes] = {}
        # The minutes of a day with a leading space, and whole seconds by their milliseconds.
        sixty = [b":%02d" % number for number in range(60)]
        self._minutes = [hour + minute for hour in [b" %02d" % hour for hour in range(24)] for minute in sixty]
        self._seconds = {number * 1000: text for number, text in enumerate(sixty)}

    def timestamps(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials as ``YYYY-MM-DD`` or ``YYYY-MM-DD HH:MM:SS[.f]``; None for a serial without a calendar day."""
        serials = parse_plain_numbers(texts)
        if serials and min(serials) < 0:
            return list(map(self._timestamp, serials))
        numbers = list(map(int, serials))
        days, minutes, seconds = self._days, self._minutes, self._seconds
        for day in set(numbers) - days.keys():
            self._date(day)
        times = list(map(int, [(serial - day) * _DAY + 0.5 for serial, day in zip(serials, numbers, strict=True)]))
        try:
            # Two small tables: a single table of all seconds of a day was slower, since most of it misses the cache.
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
            # The next calendar day: 59.999999999 is 1900-03-01, not day 60, which does not exist.
            return self._date(61 if day == 59 and self._epoch is None else day + 1)
        return text + b" " + self._clock(time)

    def times(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials below 1 as ``HH:MM:SS[.f]``, never rounded up to midnight; None for other serials."""
        return [
            self._clock(min(int(serial * _DAY + 0.5), _DAY - 1)) if 0 <= serial < 1 else None
            for serial in parse_plain_numbers(texts)
        ]

    def intervals(self, texts: Iterable[bytes]) -> list[bytes | None]:
        """Return serials as ``[-]H…H:MM:SS[.f]``; None for a serial too large for an interval."""
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
    """Cache of converted texts, limited in size: dates recur in a column, times of day rarely do.

    Args:
        convert: Converts texts; gives None for a text that it cannot convert.
    """

    def __init__(self, convert: Callable[[Iterable[bytes]], Sequence[bytes | None]]) -> None:
        self._convert = convert
        self._known: dict[bytes, bytes | None] = {b"": b""}

    def convert(self, texts: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return the converted column: ``b""`` stays ``b""``, a text that cannot be converted becomes None."""
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
    """Parse numbers in JSON's syntax, all at once: a sixth of the time of ``float()`` for each."""
    numbers: list[int | float] = orjson.loads(b"[%s]" % b",".join(texts))
    return numbers
