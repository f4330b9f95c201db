"""The API page at ``/docs``: the OpenAPI document as plain HTML, one curl example per route."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.api.route import DeskDep
from service.pages.index import base_url
from service.pages.render import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class FieldRow:
    """One row of a table of parameters or members; ``name`` of a nested member is dotted."""

    name: str
    type: str
    required: bool
    meaning: str
    place: str = ""


@dataclass(frozen=True)
class AnswerRow:
    status: str
    description: str
    media_type: str
    fields: list[FieldRow]


@dataclass(frozen=True)
class RouteRow:
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    description: list[str]
    roles: list[str]
    parameters: list[FieldRow]
    body: list[FieldRow]
    curl: str
    answers: list[AnswerRow]


@dataclass
class Group:
    tag: str
    routes: list[RouteRow] = field(default_factory=list)


@router.get("/docs")
async def reference(request: Request, desk: DeskDep) -> Response:
    """Every route: who may call it, what goes in, what comes out."""
    return page(request, "reference.html", groups=groups_of(request.app.openapi(), base_url(desk)))


def groups_of(document: Mapping[str, Any], base: str) -> list[Group]:
    """The routes of an OpenAPI document by tag, in the document's order."""
    groups: dict[str, Group] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            groups.setdefault(tag, Group(tag)).routes.append(_route(document, path, method, operation, base))
    return list(groups.values())


def _route(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], base: str) -> RouteRow:
    content = operation.get("requestBody", {}).get("content", {})
    body: Mapping[str, Any] = next((media.get("schema", {}) for media in content.values()), {})
    parameters = operation.get("parameters", [])
    return RouteRow(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=[part for part in operation.get("description", "").split("\n\n") if part],
        roles=operation.get("x-roles", []),
        parameters=[_parameter(document, parameter) for parameter in parameters],
        body=list(_members(document, body)),
        curl=_curl(document, path, method, operation, base),
        answers=[_answer(document, status, answer) for status, answer in operation["responses"].items()],
    )


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(document, choice) for choice in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"[{_type(document, schema.get('items', {}))}]"
    name = str(schema.get("type", "any"))
    return f"{name} ({schema['format']})" if "format" in schema else name


def _limits(schema: Mapping[str, Any]) -> str:
    choices = [schema, *schema.get("anyOf", [])]
    named = {
        "minimum": "≥ {}",
        "maximum": "≤ {}",
        "exclusiveMinimum": "> {}",
        "exclusiveMaximum": "< {}",
        "maxLength": "at most {} characters",
        "pattern": "matches {}",
    }
    found = [text.format(choice[key]) for choice in choices for key, text in named.items() if key in choice]
    if schema.get("default") is not None:
        found.append(f"default {schema['default']}")
    return ", ".join(found)


def _meaning(schema: Mapping[str, Any], description: str) -> str:
    limits = _limits(schema)
    return f"{description} ({limits})" if description and limits else description or limits


def _parameter(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> FieldRow:
    schema = _resolved(document, parameter["schema"])
    description = parameter.get("description", schema.get("description", ""))
    return FieldRow(
        parameter["name"],
        _type(document, schema),
        parameter.get("required", False),
        _meaning(schema, description),
        parameter["in"],
    )


def _members(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[FieldRow]:
    schema = _resolved(document, schema)
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        resolved = _resolved(document, member)
        description = member.get("description", resolved.get("description", "")).split("\n\n")[0]
        yield FieldRow(prefix + name, _type(document, member), name in required, _meaning(resolved, description))
        inner, dots = _inner(document, resolved)
        if inner and depth < 3:
            yield from _members(document, inner, f"{prefix}{name}{dots}.", depth + 1)


def _inner(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The object schema inside ``schema`` (itself, an alternative, or an array's items), and how its name goes on."""
    for choice in (schema, *schema.get("anyOf", [])):
        choice = _resolved(document, choice)
        if choice.get("type") == "array":
            items = _resolved(document, choice.get("items", {}))
            if "properties" in items:
                return items, "[]"
        elif "properties" in choice:
            return choice, ""
    return {}, ""


def _answer(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> AnswerRow:
    content: Mapping[str, Any] = answer.get("content", {})
    media_type = next(iter(content), "")
    media = content.get(media_type, {})
    return AnswerRow(
        status, answer.get("description", ""), media_type, list(_members(document, media.get("schema", {})))
    )


def _example(parameter: Mapping[str, Any]) -> Any:
    schema = parameter["schema"]
    examples = [*schema.get("examples", []), *parameter.get("examples", [])]
    return parameter.get("example", examples[0] if examples else None)


def _curl(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], base: str) -> str:
    query = {}
    for parameter in operation.get("parameters", []):
        example = _example(parameter)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example or parameter["name"].upper()))
        elif parameter["in"] == "query" and example is not None:
            query[parameter["name"]] = example
    url = base + path + (f"?{urlencode(query)}" if query else "")
    parts = ["curl -s"]
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if operation.get("x-roles"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(document, media.get("schema", {}))
        example = media.get("example", next(iter(schema.get("examples", [])), None))
        if media_type == "application/json":
            parts.append(f"-H 'Content-Type: {media_type}' -d '{json.dumps(example, ensure_ascii=False)}'")
        else:
            parts.append(str(example))
        break
    return " ".join([*parts, f"'{url}'"])
