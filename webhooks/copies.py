"""The simulator's provider keeps copies like the real one, and erases them on request: listing and deleting texts, calls and
recordings as Twilio's API does (https://www.twilio.com/docs/messaging/api/message-resource)."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from webhooks.simulator import account_of, kept, resource

blueprint = Blueprint("copies", __name__, url_prefix="/simulator/2010-04-01/Accounts/<sid>")


@blueprint.before_request
def _authenticate() -> Response | None:
    return account_of(str((request.view_args or {})["sid"]))[1]


@blueprint.get("/Messages.json")
def messages(sid: str) -> Response:
    """The texts to and from the numbers asked for."""
    wanted = {"to": request.args.get("To"), "sender": request.args.get("From")}
    found = [one for one in kept().all() if all(value in (None, getattr(one, name)) for name, value in wanted.items())]
    return _page(sid, "messages", [resource(sid, one) for one in found])


@blueprint.delete("/Messages/<message>.json")
def erase(sid: str, message: str) -> Response:
    """Forget a text; 409 while it is on its way, as Twilio answers."""
    found = next((one for one in kept().all() if one.sid == message), None)
    if found is None:
        abort(404)
    if found.status not in ("delivered", "undelivered", "failed") and found.callback:
        response = jsonify(code=20009, message="Resource not in deletable state", status=409)
        response.status_code = 409
        return response
    kept().forget(message)
    return Response(status=204)


@blueprint.get("/Calls.json")
def calls(sid: str) -> Response:
    """No calls are kept: the simulator has no network that carries them."""
    return _page(sid, "calls", [])


@blueprint.get("/Recordings.json")
def recordings(sid: str) -> Response:
    """Nor recordings."""
    return _page(sid, "recordings", [])


def _page(sid: str, name: str, found: list[dict[str, Any]]) -> Response:
    """A page of Twilio's lists; there is only one."""
    return jsonify({name: found, "next_page_uri": None, "page": 0, "page_size": 1000, "uri": request.path})
