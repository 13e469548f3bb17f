"""Print one of the README's command lines, so that what CI runs and what a reader types cannot drift.

Usage: python3 .ci/readme_line.py run|test
"""

import re
import sys
from pathlib import Path


def readme_line(name: str) -> str:
    """Return the only line of the code block that follows `<!-- line: NAME -->` in README.md."""
    readme = Path(__file__).resolve().parent.parent / "README.md"
    pattern = rf"<!-- line: {re.escape(name)} -->\n```[a-z]*\n([^\n]+)\n```"
    found = re.findall(pattern, readme.read_text(encoding="utf-8"))
    if len(found) != 1:
        raise SystemExit(f"README.md has {len(found)} lines named {name!r}; exactly one is expected")
    line: str = found[0]
    return line


if __name__ == "__main__":
    print(readme_line(sys.argv[1]))
