"""The entry point: `snow-white`, or `python -m snow_white_cli`, which scripts/snow-white runs."""

from snow_white_cli.commands import snow_white


def main() -> None:
    """Run the command line with the arguments of this process."""
    snow_white(prog_name="snow-white")


if __name__ == "__main__":
    main()
