"""Asks the engine's service within this process."""

from __future__ import annotations

from typing import TypeVar

from workbench.config.problems import Problem
from workbench.engine.service import server
from workbench.runs.service.answers import RequestAnswered, RequestRefused
from workbench.runs.service.base import ServiceData
from workbench.runs.service.requests import AnyRequest, ServiceCall

A = TypeVar("A", bound=ServiceData)


def reply_to(request: AnyRequest) -> RequestAnswered | RequestRefused:
    """The reply as it comes over the wire: the request and the answer are written and read again."""
    line = ServiceCall(id=7, request=request).model_dump_json(by_alias=True).encode()
    reply = server.reply_to_line(line, lambda _line: None)
    assert reply.id == 7
    return type(reply).model_validate_json(reply.model_dump_json(by_alias=True))


def answer_to(request: AnyRequest, answer_type: type[A]) -> A:
    """The answer, which is of this class."""
    reply = reply_to(request)
    assert isinstance(reply, RequestAnswered), reply
    assert isinstance(reply.answer, answer_type)
    return reply.answer


def problems_of(request: AnyRequest) -> tuple[Problem, ...]:
    """Why the request is refused."""
    reply = reply_to(request)
    assert isinstance(reply, RequestRefused), reply
    return reply.problems
