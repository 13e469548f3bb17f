"""Which failures of the broker are told to a person?

A `BrokerError` carries one sentence for the operator and ends the start of the broker. What a client did wrong is
never one of these: it is an error code in an answer, or a closed connection.
"""


class BrokerError(Exception):
    """One sentence that says why the broker cannot run."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SettingsError(BrokerError):
    """The settings contradict themselves or the broker's rules."""


class FolderInUseError(BrokerError):
    """Another broker holds the data folder."""


class PortInUseError(BrokerError):
    """The address cannot be listened on."""


class FolderUnreadableError(BrokerError):
    """The data folder is from another version, or is damaged beyond what recovery may repair."""
