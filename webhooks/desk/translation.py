"""Help with another language: what was written, and what is to be sent, by a machine of the city's own. Always said to be so."""

from flask import Blueprint, Response, jsonify, request

from bot import audit
from bot.escalation import Case, conversation_of, writes
from bot.inbound import clean
from bot.translator import TranslatorUnavailable
from webhooks.current import careline
from webhooks.desk import case as cases
from webhooks.desk.guard import current, protect
from webhooks.desk.machine import current_translator

blueprint = Blueprint("desk_translation", __name__, url_prefix="/desk/cases")
protect(blueprint)


@blueprint.post("/<case_id>/translate")
def translate(case_id: str) -> Response | tuple[Response, int]:
    """A text of this case in another language: `direction` is "in" for reading, "out" for writing."""
    translator = current_translator()
    text, direction = clean(request.form.get("text", "")), request.form.get("direction", "in")
    with careline().database.begin() as database:
        found = database.get(Case, case_id)
        if found is None or translator is None or not text or not cases.may_see(database, case_id):
            return jsonify(problem="There is nothing to translate."), 404
        theirs = writes(found, conversation_of(database, found), careline().settings.languages)
        audit.record(database, current().id, "translated", f"case {case_id}", direction)
    house = careline().settings.default_language
    source, target = (theirs, house) if direction == "in" else (house, theirs)
    try:
        words = translator.translate(text, source, target)
    except TranslatorUnavailable:
        return jsonify(
            problem="The translator does not answer, or does not know this language. Ask a colleague who speaks it."
        ), 503
    if direction == "out":
        label = careline().wording.words(target, "sms")("translated.label")
        words = f"{words}\n{label}"
    return jsonify(text=words, language=target)
