"""Where MiniStack differs from AWS: one small module for each difference, in packages by what they are about.

The docstring of each module's `install` describes the difference. It raises MissingTarget when MiniStack no longer has
what the patch replaces. tests/local_aws/engine/patches shows that each difference is gone.
"""

from local_aws.engine.patches.events import other_regions, target_roles
from local_aws.engine.patches.executions import (
    ends,
    history,
    json_paths,
    machine_role,
    names,
    redrives,
    retries,
)
from local_aws.engine.patches.functions import code_folders, handler_errors, packages, rule_delivery
from local_aws.engine.patches.instances import instance_ids, launch_time, tag_wildcards
from local_aws.engine.patches.permissions import (
    audit_trail,
    auto_scaling_groups,
    root_user,
    schedules,
    secrets,
    ssm_documents,
    unknown_services,
)
from local_aws.engine.patches.stacks import conditions

# The order matters where two modules replace the same function: the later one wraps the earlier one.
_ALL = (
    handler_errors,
    code_folders,
    packages,
    retries,
    json_paths,
    redrives,
    history,
    ends,
    names,
    machine_role,
    root_user,
    rule_delivery,
    other_regions,
    target_roles,
    schedules,
    auto_scaling_groups,
    secrets,
    ssm_documents,
    unknown_services,
    audit_trail,
    conditions,
    launch_time,
    tag_wildcards,
    instance_ids,
)


def install() -> None:
    """Apply all patches; once, before the first request."""
    for patch in _ALL:
        patch.install()
