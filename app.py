"""The CDK application: `python app.py` writes the templates to cdk.out/. It does not need the CDK command line.

It prints one sentence and exits with 1 if a setting is wrong, the functions' packages cannot be installed, a document
is larger than SSM accepts, or a check (cdk-nag) has a finding that is not acknowledged.
"""

import gc
import sys


def main() -> None:
    # The CDK's 200,000 objects stay to the end; looking through them for garbage takes a sixth of the time.
    gc.disable()
    from infra.application import synthesize
    from infra.checks import ChecksFailed
    from infra.command_documents import DocumentTooLarge
    from infra.lambda_bundle import BundlingFailed
    from infra.settings import InvalidSettings

    try:
        synthesize()
    except (InvalidSettings, BundlingFailed, DocumentTooLarge, ChecksFailed) as error:
        sys.exit(str(error))
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
