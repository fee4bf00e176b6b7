"""Where MiniStack differs from AWS, one small module each.

Each module's `install` says what AWS does, and raises MissingTarget if what it replaces is not there any more;
tests/local_aws/test_patches_*.py shows each difference mended.
"""

from local_aws.engine.patches import (
    audit_trail,
    execution_end,
    execution_history,
    execution_names,
    function_code,
    function_packages,
    handler_errors,
    json_paths,
    machine_role,
    retries,
    root_user,
    rule_delivery,
    secrets,
    ssm_resources,
    unknown_services,
)

ALL = (
    handler_errors,
    function_code,
    function_packages,
    retries,
    json_paths,
    execution_history,
    execution_end,
    execution_names,
    machine_role,
    root_user,
    rule_delivery,
    secrets,
    ssm_resources,
    unknown_services,
    audit_trail,
)


def install() -> None:
    """Mend all differences; once, before the first request."""
    for patch in ALL:
        patch.install()
