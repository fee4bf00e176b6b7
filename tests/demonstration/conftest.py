"""The local AWS of a test process, shared with the tests of the local AWS itself."""

from tests.local_aws.conftest import aws

__all__ = ["aws"]
