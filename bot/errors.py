"""Every error Careline raises on purpose.

Each error says in one sentence what is wrong and what to do. `retry` tells a worker whether doing
the same again later can help.
"""


class CarelineError(Exception):
    """Base of all of them; its text is one sentence for the person who runs the service."""

    retry = False


class SettingsError(CarelineError):
    """A setting is unknown, missing or cannot be read."""


class DataError(CarelineError):
    """A data file (directory package, catalogue, article, phrase list) cannot be used as it is."""


class DatabaseUnavailable(CarelineError):
    """The database is locked, full or out of reach."""

    retry = True


class DialogueUnavailable(CarelineError):
    """Rasa or its action server is down, too slow, or answered with nothing."""

    retry = True


class DialogueBusy(DialogueUnavailable):
    """More people are writing than can be answered at once."""


class StartError(CarelineError):
    """`careline up` cannot start: a port in use, a broken configuration, a process that will not come up."""


class SendError(CarelineError):
    """A message could not be handed to the provider; subclasses say whether to try again.

    `code` is the provider's own error number, where it gave one.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class ProviderUnavailable(SendError):
    """The provider timed out or answered 5xx."""

    retry = True


class TooManyRequests(SendError):
    """The provider asks us to slow down (429, code 20429)."""

    retry = True


class RecipientOptedOut(SendError):
    """The person has told the provider to stop (code 21610): never try again."""


class BadNumber(SendError):
    """The number cannot receive texts (codes 21211, 21614 and the like)."""


class ProviderRefused(SendError):
    """The provider refuses this message or account for good (other 4xx)."""
