"""What relies on MiniStack's internals refuses to start without them."""

import pytest

from local_aws.engine.ministack import MissingTarget, find, substitute


def test_a_patch_refuses_to_start_on_another_version_of_ministack() -> None:
    import ministack.core.arn as module

    with pytest.raises(MissingTarget, match="no_such_function"):
        find(module, "no_such_function")
    with pytest.raises(MissingTarget, match="__name__"):
        substitute(module, "__name__", "no such text", "")
