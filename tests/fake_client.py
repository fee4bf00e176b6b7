"""A base for fakes of boto3's clients, which holds every call against botocore's model of the service."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from botocore.model import OperationModel
from botocore.paginate import Paginator

from tests.service_model import operations, paginator_config, wrong_answer, wrong_request


class FakeClient:
    """A client of one or more services: `class FakeSsm(FakeClient, services=("ssm",))`.

    A method that is named as an operation is called with its parameters as boto3 calls it, and returns the answer. A
    call that the service would refuse, or an answer that it would never give, fails the test, whatever the code that
    is tested catches. Paginators are botocore's own.
    """

    _operations: ClassVar[dict[str, tuple[str, OperationModel]]] = {}

    def __init_subclass__(cls, services: tuple[str, ...] = (), **more: Any) -> None:
        super().__init_subclass__(**more)
        known = {
            name: (service, model) for service in services for name, model in operations(service).items()
        }
        cls._operations = {**cls._operations, **known}
        for name, method in list(vars(cls).items()):
            if name in cls._operations:
                setattr(cls, name, _checked(method, cls._operations[name][1]))

    def get_paginator(self, operation_name: str) -> Paginator[Any]:
        service, model = self._operations[operation_name]
        return Paginator(getattr(self, operation_name), dict(paginator_config(service, model.name)), model)


def _checked(method: Callable[..., Any], model: OperationModel) -> Callable[..., Any]:
    @functools.wraps(method)
    def checked(client: Any, **parameters: Any) -> Any:
        wrong = wrong_request(model, parameters)
        if not wrong:
            answer = method(client, **parameters)
            wrong = wrong_answer(model, answer)
            if not wrong:
                return answer
        # Not an Exception, which the code that is tested may take for an error of AWS.
        pytest.fail("\n".join(wrong), pytrace=True)

    return checked
