"""There is one root user, who has to sign."""

import os
from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """On AWS every signature is checked. MiniStack takes the key `test` and every number of twelve digits for a root
    user and does not check such signatures. With the patch only the key that this process was started with is
    root's, and its signature is checked like any other.
    """
    from ministack.core import iam_evaluator

    def is_our_root(_original: Any) -> Any:
        return lambda access_key_id: access_key_id in ("", os.environ["AWS_ACCESS_KEY_ID"])

    def is_unsigned(_original: Any) -> Any:
        return lambda access_key_id: not access_key_id

    wrap(iam_evaluator, "is_root_access_key", is_our_root)
    wrap(iam_evaluator, "_is_root_key", is_unsigned)
