"""How is a regular expression compiled that a person typed? Without the warnings that are meant for programmers.

`[[` makes Python warn that a later release may read it otherwise; on a terminal such a line would land in the picture.
"""

import re


def compile_typed(text: str, flags: int = 0) -> re.Pattern[str]:
    """Compile an expression. `re.error` when it is none."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(text, flags)
