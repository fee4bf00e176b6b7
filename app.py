"""The CDK application: `python app.py` writes the templates to cdk.out/. It does not need the CDK command line.

It prints one sentence and exits with 1 if a setting is wrong, the functions' packages cannot be installed, a document
is larger than SSM accepts, or a check (cdk-nag) has a finding that is not acknowledged.
"""

import sys

from infra.application import synthesize
from infra.checks import ChecksFailed
from infra.command_documents import DocumentTooLarge
from infra.lambda_bundle import BundlingFailed
from infra.settings import InvalidSettings

if __name__ == "__main__":
    try:
        synthesize()
    except (InvalidSettings, BundlingFailed, DocumentTooLarge, ChecksFailed) as error:
        sys.exit(str(error))
