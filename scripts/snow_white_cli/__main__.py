"""The entry point `python -m snow_white_cli`, which scripts/snow-white runs."""

from snow_white_cli.commands import snow_white

if __name__ == "__main__":
    snow_white(prog_name="snow-white")
