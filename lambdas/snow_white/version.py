"""The version of Snow White (command line, stacks and functions). CHANGELOG.md says what is new."""

from typing import Final

VERSION: Final = "0.2.0"
