"""`python -m local_aws FOLDER`: run the local AWS until its standard input closes or a signal ends it."""

import argparse
from pathlib import Path


def main() -> None:
    """Read the arguments and serve; never returns, because the process exits after its cleanup."""
    parser = argparse.ArgumentParser(prog="local_aws", description="An AWS account on this machine.")
    parser.add_argument("folder", type=Path, help="private folder for everything it keeps")
    parser.add_argument("--wait-scale", type=float, default=1.0, help="factor on Wait states and retries")
    arguments = parser.parse_args()

    # MiniStack reads its settings while it is imported, so they come before any import of the server.
    from local_aws.engine.process_environment import prepare

    prepare(arguments.folder, arguments.wait_scale)

    from local_aws.server import serve

    serve(arguments.folder)


if __name__ == "__main__":
    main()
