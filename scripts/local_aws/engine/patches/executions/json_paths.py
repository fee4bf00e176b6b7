"""A JSONPath that finds nothing fails the execution."""

import json
from typing import Any

from local_aws.engine.ministack import find, wrap


def install() -> None:
    """AWS fails an execution with States.Runtime, which nothing catches, when a path in Parameters, InputPath,
    OutputPath, SecondsPath or a Choice's Variable (except under IsPresent) finds nothing. MiniStack
    continues with null, without waiting.
    """
    from ministack.services import stepfunctions

    find(stepfunctions, "_parse_jsonpath_tokens")
    wrap(stepfunctions, "_resolve_params_obj", _checking_template)
    wrap(stepfunctions, "_apply_input_path", _checking_field("InputPath"))
    wrap(stepfunctions, "_apply_output_path", _checking_field("OutputPath"))
    wrap(stepfunctions, "_execute_wait", _checking_field("SecondsPath"))
    wrap(stepfunctions, "_evaluate_rule", _checking_rule)


def _finds_something(path: str, data: Any) -> bool:
    from ministack.services import stepfunctions

    for kind, value in stepfunctions._parse_jsonpath_tokens(path) or []:
        if kind == "wildcard":
            return True
        held = isinstance(data, dict) and value in data if kind == "field" else False
        if kind == "index":
            held = isinstance(data, list) and value < len(data)
        if not held:
            return False
        data = data[value]
    return True


def _require(path: Any, field: str, data: Any, context: Any) -> None:
    from ministack.services import stepfunctions

    if not isinstance(path, str) or not path.startswith("$"):
        return
    looked_in = (context or {}) if path.startswith("$$") else data
    if not _finds_something(path.removeprefix("$") if path.startswith("$$") else path, looked_in):
        raise stepfunctions._ExecutionError(
            "States.Runtime",
            f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
            f"'{json.dumps(data)[:2000]}'",
        )


def _checking_template(resolve: Any) -> Any:
    def resolve_what_exists(template: Any, data: Any, ctx: Any = None) -> Any:
        if isinstance(template, dict):
            for field, path in template.items():
                if field.endswith(".$"):
                    _require(path, field, data, ctx)
        return resolve(template, data, ctx)

    return resolve_what_exists


def _checking_field(field: str) -> Any:
    def build(apply: Any) -> Any:
        def apply_what_exists(state: dict[str, Any], data: Any, ctx: Any = None) -> Any:
            if field in state:
                _require(state[field], field, data, ctx)
            return apply(state, data, ctx)

        return apply_what_exists

    return build


def _checking_rule(evaluate: Any) -> Any:
    def evaluate_what_exists(rule: dict[str, Any], data: Any, ctx: Any = None) -> Any:
        if "Variable" in rule and "IsPresent" not in rule:
            _require(rule["Variable"], "Variable", data, ctx)
        return evaluate(rule, data, ctx)

    return evaluate_what_exists
