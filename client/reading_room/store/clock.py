"""The room's time: UTC, ISO 8601, to the millisecond; texts of it sort like the moments they name."""

from datetime import UTC, datetime


def now() -> str:
    """This moment."""
    return text_of(datetime.now(UTC))


def text_of(moment: datetime) -> str:
    """A moment with a time zone as the room writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
