"""Where MiniStack differs from AWS, one small module each; every one is checked against the pinned version."""


def install() -> None:
    """Mend all differences; call once, before the first request."""
