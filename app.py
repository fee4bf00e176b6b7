"""The CDK application: `python app.py` writes the templates to cdk.out/, without the CDK command line too.

Ends with 1 and a sentence when a setting is wrong, when the functions' packages cannot be installed, when a document
is larger than SSM takes, or when the checks (cdk-nag) found something that nobody acknowledged.
"""

import sys

from infra.application import synthesize
from infra.command_documents import DocumentTooLarge
from infra.lambda_bundle import BundlingFailed
from infra.settings import InvalidSettings
from infra.validation import ChecksFailed

if __name__ == "__main__":
    try:
        synthesize()
    except (InvalidSettings, BundlingFailed, DocumentTooLarge, ChecksFailed) as error:
        sys.exit(str(error))
