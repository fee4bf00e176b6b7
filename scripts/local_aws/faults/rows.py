"""Lists in a service's answer with rows left out or doubled, in JSON and in XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree import ElementTree

from local_aws.engine.ministack import Response

Change = Callable[[list[Any]], list[Any]]


def none_of(rows: list[Any]) -> list[Any]:
    """No row at all."""
    return rows[:0]


def all_but_the_last(rows: list[Any]) -> list[Any]:
    """One row is missing."""
    return rows[:-1]


def twice(rows: list[Any]) -> list[Any]:
    """Each row twice."""
    return [*rows, *rows]


def with_rows(response: Response, change: Change) -> Response:
    """The answer with each of its outermost lists changed; an error, or an answer without lists, stays as it is."""
    status, headers, body = response
    if status != 200 or not body:
        return response
    changed = _in_xml(body, change) if body.lstrip().startswith(b"<") else _in_json(body, change)
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return status, kept, changed


def _in_json(body: bytes, change: Change) -> bytes:
    answer = json.loads(body)
    return json.dumps(
        {key: change(value) if isinstance(value, list) else value for key, value in answer.items()}
    ).encode()


def _in_xml(body: bytes, change: Change) -> bytes:
    root = ElementTree.fromstring(body)  # noqa: S314  # our own service's answer
    for rows in _outermost_lists(root):
        members = list(rows)
        for each in members:
            rows.remove(each)
        rows.extend(change(members))
    changed: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return changed


def _outermost_lists(element: ElementTree.Element) -> Iterable[ElementTree.Element]:
    """The elements whose children are all called `item` or `member`, as EC2 and the Query protocol name rows."""
    children = list(element)
    if children and all(each.tag.rpartition("}")[2] in ("item", "member") for each in children):
        yield element
        return
    for child in children:
        yield from _outermost_lists(child)
