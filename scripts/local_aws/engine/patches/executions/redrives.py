"""The context object says how often an execution was redriven."""

from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """On AWS the context object always has Execution.RedriveCount, 0 until a redrive. MiniStack, which cannot
    redrive, has no such field.
    """
    from ministack.services import stepfunctions

    wrap(stepfunctions, "_resolve_params_obj", _with_redrive_count)


def _with_redrive_count(resolve: Any) -> Any:
    def resolve_with_count(template: Any, data: Any, ctx: Any = None) -> Any:
        if ctx and "Execution" in ctx:
            ctx["Execution"].setdefault("RedriveCount", 0)
        return resolve(template, data, ctx)

    return resolve_with_count
