"""The description of the JSON API, OpenAPI 3.1."""

from typing import Any

from bot.inbound import LONGEST


def _nullable(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **more}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


_TEXT = {"type": "string"}
_SERVICE = _object(
    {
        "id": _TEXT,
        "name": _TEXT,
        "organization": _TEXT,
        "address": _nullable("string"),
        "distance_m": _nullable("integer", description="Metres in a straight line from the place asked about."),
        "phones": _list(_TEXT),
        "open_now": _nullable("boolean", description="Null where the record does not say."),
        "opens": {"type": "string", "description": "When it is open, in words."},
        "cost": _nullable("string"),
        "languages": _list({"type": "string", "description": "ISO 639 code"}),
        "accessibility": _list(_TEXT),
        "required_documents": _list(_TEXT),
        "eligibility": _nullable("string"),
        "verified_on": _nullable("string", format="date"),
        "url": _nullable("string"),
    }
)
_MESSAGE = _object(
    {
        "text": _TEXT,
        "topic": _nullable("string", description="The topic that was answered; null where the answer is a question."),
        "urgent": {"type": "boolean"},
        "services": _list(_SERVICE),
        "sources": _list(_object({"title": _TEXT, "url": _TEXT})),
        "choices": _list(_object({"label": _TEXT, "send": _TEXT, "topic": _nullable("string")})),
        "escalation": {
            "anyOf": [
                {"type": "null"},
                _object({"status": _TEXT, "expected_at": _nullable("string", format="date-time")}),
            ]
        },
    }
)
_PROBLEM = _object({"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}, ["type", "title", "status"])


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM}}}


def description(languages: tuple[str, ...]) -> dict[str, Any]:
    """The whole description; `languages` are the codes served."""
    asked = _object(
        {
            "text": {"type": "string", "maxLength": LONGEST},
            "conversation": _nullable("string", maxLength=36, pattern="^[!-~]*$", description="The id of an earlier answer."),
            "language": {"enum": [None, *languages], "description": "What the person chose; null to detect it."},
            "place": _nullable("string", maxLength=200, description="Where to look, in words."),
        },
        ["text"],
    )
    answer = _object({"conversation": _TEXT, "language": {"enum": list(languages)}, "messages": _list(_MESSAGE)})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Careline", "version": "1", "description": "Care services and rights, in twelve languages."},
        "paths": {
            "/api/chat": {
                "post": {
                    "operationId": "chat",
                    "summary": "Ask a question, or go on with a conversation.",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
                    "responses": {
                        "200": {
                            "description": "The answer.",
                            "content": {"application/json": {"schema": answer}},
                            "links": {
                                "goOn": {
                                    "operationId": "chat",
                                    "description": "Go on with the same conversation.",
                                    "requestBody": {"conversation": "$response.body#/conversation"},
                                }
                            },
                        },
                        "400": _problem("The body is no JSON object."),
                        "413": _problem("The body is too large."),
                        "415": _problem("The body is not application/json."),
                        "422": _problem("A field is missing or cannot be what it is."),
                        "429": _problem("Too many messages from this address; wait a minute."),
                        "503": _problem("The service cannot store messages just now; try again."),
                    },
                }
            }
        },
    }
