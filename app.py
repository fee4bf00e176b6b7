"""The CDK application: `python app.py` writes the templates to cdk.out/, without the CDK command line too.

Ends with 1 when a setting is wrong or when the checks (cdk-nag) found something that nobody acknowledged.
"""

import sys

from infra.application import synthesize
from infra.settings import InvalidSettings
from infra.validation import ChecksFailed

if __name__ == "__main__":
    try:
        synthesize()
    except (InvalidSettings, ChecksFailed) as error:
        sys.exit(str(error))
