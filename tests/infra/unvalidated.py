"""Applications of the CDK in the tests' own process."""

from __future__ import annotations

from aws_cdk import App


def unvalidated_app() -> App:
    """An application for the tests of single constructs.

    The CDK would validate the templates, with a program that each process takes six seconds to compile. It only warns,
    unless the application asks for more; the one that is deployed does.
    """
    return App(builtin_cloud_formation_validation=False)
