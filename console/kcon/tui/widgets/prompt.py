"""Where does a person type? One line at the bottom for filters, places and commands."""

from textual.suggester import SuggestFromList
from textual.widgets import Input

from kcon.tui.text import safe


class Prompt(Input):
    """Hidden until it is asked for something."""

    DEFAULT_CSS = """
    Prompt {
        height: 1; border: none; padding: 0 1; display: none; dock: bottom; background: $panel; color: $foreground;
        &:focus { border: none; background-tint: transparent; }
        &.open { display: block; }
    }
    """
    LENGTH_MAX = 2_000

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False, max_length=self.LENGTH_MAX)
        self.purpose = ""
        """What the text is for; "" while it is closed."""

    def open(self, purpose: str, hint: str, value: str = "", suggestions: tuple[str, ...] = ()) -> None:
        """Ask for a line."""
        self.purpose = purpose
        self.placeholder = safe(hint)
        self.suggester = SuggestFromList(suggestions) if suggestions else None
        with self.prevent(Input.Changed):
            self.value = value
        self.cursor_position = len(value)
        self.add_class("open")
        # Both at once, and not when the styles are worked out: the next key is the line's already.
        self.display = True
        self.screen.set_focus(self)

    def open_secret(self, purpose: str, hint: str) -> None:
        """Ask for a line that is not shown."""
        self.open(purpose, hint)
        self.password = True

    def close(self) -> None:
        """Hide it, and forget a secret."""
        self.purpose = ""
        if self.password:
            self.password = False
            with self.prevent(Input.Changed):
                self.value = ""
        self.remove_class("open")
        self.display = False

    @property
    def is_open(self) -> bool:
        """It waits for a line."""
        return bool(self.purpose)
