"""Every deliberate error: one family, so that a front end catches one name and shows the sentence as it is.

A message says what was received, what is allowed, where it came from and what to do.
"""

from collections.abc import Sequence


class OrbError(Exception):
    """Something the user can mend."""


class ConfigError(OrbError):
    """A setting is unknown, of the wrong type, out of bounds or contradicts another.

    `problems` holds dotted path and sentence of each, for a form that shows them beside their fields.
    """

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class SymbolError(OrbError):
    """A symbol that cannot be one."""


class DataError(OrbError):
    """Bars could not be had, or cannot be used."""


class BarsError(DataError):
    """A bar table breaks its invariants (order, time zone, prices, interval)."""


class NoSessionsError(DataError):
    """The dates asked for hold no session of the calendar."""


class NoBarsError(DataError):
    """There are sessions, but no bars in them."""


class FileFormatError(DataError):
    """A file that cannot be read as bars, or could be read in more than one way."""


class BeyondReachError(DataError):
    """The source no longer has bars of these days."""


class RateLimitError(DataError):
    """The source was asked too often, and answers again later."""


class NetworkError(DataError):
    """The source could not be reached."""


class UnknownSymbolError(DataError):
    """The source does not know this symbol."""


class BrokenAnswerError(DataError):
    """The source answered with something that is neither bars nor a reason for none."""


class ClockError(DataError):
    """The clock of this computer is too wrong to tell which sessions are over."""


class ArchiveError(DataError):
    """The archive of fetched sessions could not be read, written or locked."""


class StoreError(OrbError):
    """A run could not be saved, read or changed."""


class RunNotFoundError(StoreError):
    """No run has this id."""


class RunExistsError(StoreError):
    """A run with this id is already there."""


class DamagedRunError(StoreError):
    """A run folder that is incomplete, foreign or of another schema."""


class CancelledError(OrbError):
    """The user asked for the work to stop."""
