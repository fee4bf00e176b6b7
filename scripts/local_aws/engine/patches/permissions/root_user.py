"""There is one root user, who has to sign."""

import os
from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """On AWS nobody gets in without the secret key. MiniStack takes the key `test` and every number of twelve digits
    for a root user, and does not check the signature of one. Here only the key this process was started with is
    root's, and its signature is checked like everybody's.
    """
    from ministack.core import iam_evaluator

    def only_ours(_original: Any) -> Any:
        return lambda access_key_id: access_key_id in ("", os.environ["AWS_ACCESS_KEY_ID"])

    def nobody_unchecked(_original: Any) -> Any:
        return lambda access_key_id: not access_key_id

    wrap(iam_evaluator, "is_root_access_key", only_ours)
    wrap(iam_evaluator, "_is_root_key", nobody_unchecked)
