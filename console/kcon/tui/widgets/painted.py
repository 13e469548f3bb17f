"""What do all drawn widgets share? Lines of parts, painted by role through the text door."""

from collections.abc import Sequence

from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from kcon.tui.text import Line, Part, line_strip
from kcon.tui.theme import role_style


class Painted(Widget, inherit_bindings=False):
    """A widget that draws line by line. Subclasses give lines; none of them touches styles or raw text."""

    ALLOW_SELECT = False

    def __init__(self, *, widget_id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=widget_id, classes=classes, markup=False)
        self._roles: dict[str, Style] = {}
        self._bases: dict[str, Style] = {}

    def style_of(self, role: str) -> Style:
        """Return what a role adds to the style of its line, in the present theme."""
        style = self._roles.get(role)
        if style is None:
            style = self._roles[role] = role_style(role, self.app.theme_variables)
        return style

    def base_style_of(self, role: str) -> Style:
        """Return the style of a whole line."""
        style = self._bases.get(role)
        if style is None:
            style = self._bases[role] = self.rich_style + self.style_of(role)
        return style

    def notify_style_update(self) -> None:
        """Forget the styles when the theme or the pseudo classes change."""
        self._roles, self._bases = {}, {}
        super().notify_style_update()

    def strip(self, line: Line, *, base: str = "text") -> Strip:
        """Paint one line over the whole width."""
        return line_strip(line, self.size.width, self.base_style_of(base), self.style_of)


class Lines(Painted):
    """A few lines of parts; the height is the number of lines, unless CSS says otherwise."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        base: str = "text",
        widget_id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(widget_id=widget_id, classes=classes)
        self._lines: Sequence[Line] = lines
        self._base = base

    @property
    def lines(self) -> Sequence[Line]:
        """Return what is shown."""
        return self._lines

    def set_lines(self, lines: Sequence[Line], *, base: str | None = None) -> None:
        """Show other lines."""
        base = base or self._base
        if lines == self._lines and base == self._base:
            return
        layout = len(lines) != len(self._lines)
        self._lines, self._base = lines, base
        self.refresh(layout=layout)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Paint one line; what is below the last one is blank."""
        line = self._lines[y] if y < len(self._lines) else (Part(""),)
        return self.strip(line, base=self._base)
