"""Six-field NCRONTAB schedules, in UTC: {second} {minute} {hour} {day} {month} {day of week}.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions. Unlike in classic cron,
a day must satisfy both the day of the month and the day of the week.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, lowest, highest, names of the values from the lowest on.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
# February 29 on a given weekday comes back within 40 years at most.
_HORIZON = timedelta(days=366 * 41)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values that each field admits, and the expression they were read from."""

    expression: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment` (aware). Raises ValueError when there is none."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        while day - start < _HORIZON:
            if day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays:
                found = self._within(day, start)
                if found is not None:
                    return found
            day += timedelta(days=1)
        raise ValueError("the schedule never comes due")

    def is_shorter_than_a_minute(self) -> bool:
        """Whether it comes due several times within a minute; such timers are not monitored."""
        return len(self.seconds) > 1

    def _within(self, day: datetime, start: datetime) -> datetime | None:
        for hour in self.hours:
            if day.replace(hour=hour, minute=59, second=59) < start:
                continue
            for minute in self.minutes:
                if day.replace(hour=hour, minute=minute, second=59) < start:
                    continue
                for second in self.seconds:
                    moment = day.replace(hour=hour, minute=minute, second=second)
                    if moment >= start:
                        return moment
        return None


def parse(expression: str) -> Schedule:
    """Read an expression of six fields, or of five (the second is then 0). Raises ValueError naming the bad field."""
    fields = expression.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ValueError(f"{expression!r} must have six fields: second minute hour day month day-of-week")
    values = [
        _field(text, name, low, high, names) for text, (name, low, high, names) in zip(fields, _FIELDS, strict=True)
    ]
    seconds, minutes, hours = (tuple(sorted(value)) for value in values[:3])
    days, months, weekdays = (frozenset(value) for value in values[3:])
    return Schedule(expression, seconds, minutes, hours, days, months, weekdays)


def _field(text: str, field: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    def number(word: str) -> int:
        value = low + names.index(word.lower()[:3]) if word.lower()[:3] in names else int(word)
        if not low <= value <= high:
            raise ValueError
        return value

    def part_values(part: str) -> range:
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError
        first, end, step = found.groups()
        begin = low if first == "*" else number(first)
        open_ended = first == "*" or step is not None
        last = number(end) if end is not None else high if open_ended else begin
        if begin > last or step == "0":
            raise ValueError
        return range(begin, last + 1, int(step or 1))

    values: set[int] = set()
    for part in text.split(","):
        try:
            values.update(part_values(part))
        except ValueError:
            raise ValueError(f"{part!r} is no {field} ({low} to {high})") from None
    return values
