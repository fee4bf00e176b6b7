"""A function that raises fails with the name of its exception, and its process serves the next invocation."""

import contextvars
from typing import Any

from local_aws.engine.ministack import substitute, wrap

_RAISED_LINE = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_RAISED_INSTEAD = (
    '(traceback.print_exc(), {"status": "ok", "result": None, "raised": {'
    '"errorMessage": str(e), "errorType": type(e).__name__, "requestId": context.aws_request_id, '
    '"stackTrace": traceback.format_tb(e.__traceback__)}})[1]'
)
_raised: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("raised", default=None)


def install() -> None:
    """On AWS the class of a Python exception is the error's name, which Retry and Catch of a state machine match,
    and the next invocation runs in the same execution environment. MiniStack calls every error Runtime.HandlerError
    and starts a new process for the next invocation.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    substitute(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _RAISED_LINE, _RAISED_INSTEAD)

    def remembering(invoke: Any) -> Any:
        def invoke_and_remember(self: Any, *arguments: Any, **named: Any) -> Any:
            answer = invoke(self, *arguments, **named)
            _raised.set(answer.get("raised"))
            return answer

        return invoke_and_remember

    def reporting(execute: Any) -> Any:
        def execute_and_report(function: Any, event: Any, request_id: str) -> Any:
            _raised.set(None)
            answer = execute(function, event, request_id)
            raised = _raised.get()
            return {**answer, "body": raised, "error": True} if raised else answer

        return execute_and_report

    wrap(lambda_runtime.Worker, "invoke", remembering)
    wrap(lambda_svc, "_execute_function_warm", reporting)
