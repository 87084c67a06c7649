"""One case: what was said, what happened to it, and everything staff can do with it."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, callback, case_history, escalation, forwarding, municipalities, reminders, render, replies, staff
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.inbound import LONGEST, clean
from bot.phone import written
from bot.settings import Settings
from bot.staff import Staff
from webhooks.current import careline, partners, wake
from webhooks.desk import machine, thread
from webhooks.desk.guard import current, protect
from webhooks.desk.page import key, page
from webhooks.desk.queue import visible

blueprint = Blueprint("desk_case", __name__, url_prefix="/desk/cases")
protect(blueprint)

GONE = "This case is gone: the person has erased the conversation."
NOT_YOURS = "This case is not yours any more."
HANDED = {
    "done": "",
    "not yours": NOT_YOURS,
    "no consent": "Ask the person first: without their consent nothing is handed over.",
    "no text": "Only somebody who texts can be handed over: give them the other municipality's telephone number.",
    "stopped": "The person has told that municipality to send nothing: give them its telephone number.",
    "no team": "That team is gone: choose another.",
}


@blueprint.get("/<case_id>")
def case(case_id: str) -> BaseResponse:
    """One case, with what was said so far."""
    return show(case_id)


@blueprint.post("/<case_id>/claim")
def claim(case_id: str) -> BaseResponse:
    """Take a case."""
    with careline().database.begin() as database:
        won = may_see(database, case_id) and escalation.claim(database, case_id, current().id)
        _note(database, won, "claimed", case_id)
    return after(case_id, won, "A colleague was faster: the case is taken, or closed.")


@blueprint.post("/<case_id>/take-over")
def take_over(case_id: str) -> BaseResponse:
    """Take a case from a colleague."""
    colleague = key(request.form.get("colleague", ""))
    with careline().database.begin() as database:
        won = may_see(database, case_id) and escalation.take_over(database, case_id, current().id, colleague)
        _note(database, won, "took over", case_id)
    return after(case_id, won, "The case has changed hands or been answered meanwhile.")


@blueprint.post("/<case_id>/release")
def release(case_id: str) -> BaseResponse:
    """Give a case back."""
    with careline().database.begin() as database:
        done = escalation.release(database, case_id, current().id)
        _note(database, done, "released", case_id)
    if done and reminders.step_back(careline(), case_id):
        wake()
    return after(case_id, done, NOT_YOURS, to_queue=True)


@blueprint.post("/<case_id>/close")
def close(case_id: str) -> BaseResponse:
    """Nothing left to do."""
    with careline().database.begin() as database:
        done = may_see(database, case_id) and escalation.close(database, case_id, current().id)
        _note(database, done, "closed", case_id)
    return after(case_id, done, "Answer the case first, or ask the colleague who has it.", to_queue=True)


@blueprint.post("/<case_id>/reopen")
def reopen(case_id: str) -> BaseResponse:
    """Take a closed case up again."""
    with careline().database.begin() as database:
        done = may_see(database, case_id) and escalation.reopen(database, case_id, current().id)
        _note(database, done, "reopened", case_id)
    return after(case_id, done, "This case is not closed, or the person has a newer one.")


@blueprint.post("/<case_id>/answer")
def answer(case_id: str) -> BaseResponse:
    """Send the person an answer."""
    text, once = clean(request.form.get("text", "")), request.form.get("once", "")[:24]
    if not text or not once:
        return after(case_id, False, "Write an answer first.")
    with careline().database.begin() as database:
        done = escalation.answer(database, case_id, current().id, text, once, stay="stay" in request.form)
        _note(database, done, "answered", case_id)
    if not done:
        flash("The answer was not sent: this case is not yours any more. Your text is below, so that it is not lost.")
        return show(case_id, draft=text)
    wake()
    flash("The answer is on its way.")
    return after(case_id, True)


@blueprint.post("/<case_id>/note")
def note(case_id: str) -> BaseResponse:
    """A note for colleagues."""
    text = clean(request.form.get("text", ""))
    with careline().database.begin() as database:
        done = bool(text) and may_see(database, case_id)
        if done:
            case_history.note(database, case_id, current().id, text)
    return after(case_id, done, "Write the note first.")


@blueprint.post("/<case_id>/forward")
def forward(case_id: str) -> BaseResponse:
    """Hand the case to a colleague, a team, or, with the person's consent, another organisation."""
    to, _, which = request.form.get("to", "").partition(" ")
    mine = current().id
    with careline().database.begin() as database:
        if to == "colleague" and key(which):
            done = forwarding.to_colleague(database, case_id, mine, key(which))
        elif to == "team" and (key(which) or not which):
            done = forwarding.to_team(database, case_id, mine, key(which) or None)
        else:
            return after(case_id, False, "Choose a colleague or a team.")
        _note(database, done, "forwarded", case_id)
    return after(case_id, done, NOT_YOURS, to_queue=True)


@blueprint.post("/<case_id>/pass-on")
def pass_on(case_id: str) -> BaseResponse:
    """Pass the question to another organisation; the person has agreed, and is told."""
    name = clean(request.form.get("name", ""))[:100]
    agreed = "agreed" in request.form
    if not name or not agreed:
        return after(
            case_id, False, "Name the organisation, and ask the person first: without their consent nothing is passed on."
        )
    with careline().database.begin() as database:
        known = dict(forwarding.organizations(database))
        found = database.get(Case, case_id)
        if found is None:
            return after(case_id, False, GONE)
        language = escalation.conversation_of(database, found).language or found.language
        words = render.facts(careline(), language, "sms").words
        contact = clean(request.form.get("contact", ""))[:100] or known.get(name) or words("office.contact")
        text = words("forward.done", name=name, contact=contact)
        done = forwarding.to_organization(database, case_id, current().id, name, text, agreed)
        _note(database, done, "passed on", case_id)
    if done:
        wake()
    return after(case_id, done, NOT_YOURS)


@blueprint.post("/<case_id>/hand-over")
def hand_over(case_id: str) -> BaseResponse:
    """Hand the case to a team of another municipality that works with us; the person has agreed, and is told."""
    name, _, team = request.form.get("to", "").partition(" ")
    partner = partners().get(name)
    if partner is None or not team.isdecimal():
        return after(case_id, False, "Choose a team.")
    theirs = partner.settings
    with careline().database.begin() as database:
        found = database.get(Case, case_id)
        if found is None or not may_see(database, case_id):
            return after(case_id, False, GONE)
        language = escalation.conversation_of(database, found).language or found.language
        words = render.facts(careline(), language, "sms").words
        contact = written(theirs.office_number, theirs.country)
        text = words("forward.done", name=theirs.municipality, contact=contact)
        here, agreed = careline().settings.municipality, "agreed" in request.form
        outcome = forwarding.to_partner(database, here, case_id, current().id, name, partner, int(team), text, agreed)
        _note(database, outcome == "done", f"handed to {name}", case_id)
    if outcome == "done":
        wake()
    return after(case_id, outcome == "done", HANDED[outcome])


def _partners_teams() -> list[tuple[str, str, int, str]]:
    """The teams a case may be handed to: the municipality's name, what it is called, and the team's id and name."""
    found = []
    for name, partner in partners().items():
        try:
            with municipalities.at(name), partner.database.read() as theirs:
                found += [(name, partner.settings.municipality, team.id, team.name) for team in staff.teams(theirs)]
        except DatabaseUnavailable:
            continue  # theirs is away: ours is not, and the case is shown
    return found


@blueprint.get("/<case_id>/thread")
def fragment(case_id: str) -> BaseResponse:
    """What was said, by itself: for a page that is open and has to change."""
    with careline().database.read() as database:
        found = database.get(Case, case_id)
        if found is None or not may_see(database, case_id):
            abort(404)
        conversation = escalation.conversation_of(database, found)
        said = escalation.said(database, conversation.id)
    language = escalation.writes(found, conversation, careline().settings.languages)
    return page(
        "thread.html",
        case=found,
        thread=thread.lines(said, conversation.channel, language),
        reads=machine.helps(language)[0],
    )


def show(case_id: str, draft: str = "") -> BaseResponse:
    """The page of a case; `draft` is a text that could not be sent."""
    settings = careline().settings
    with careline().database.begin() as database:
        found = database.get(Case, case_id)
        if found is None or not may_see(database, case_id):
            flash(GONE)
            return redirect(url_for("desk_queue.queue"))
        audit.record(database, current().id, "read", f"case {case_id}")
        conversation = escalation.conversation_of(database, found)
        colleague = database.get(Staff, found.claimed_by) if found.claimed_by else None
        said = escalation.said(database, conversation.id)
        history = case_history.of(database, case_id)
        everybody = {person.id: person for person, _ in staff.people(database).values()}
        teams = staff.teams(database)
        spoken = callback.of_conversation(database, conversation.id)
        organizations = forwarding.organizations(database) if found.claimed_by == current().id else []
    language = escalation.writes(found, conversation, careline().settings.languages)
    mine = found.status == "claimed" and found.claimed_by == current().id
    texts = replies.load() if mine else {}
    house = settings.default_language
    written = language if language in texts else conversation.language or house
    ready = replies.ready(texts, written, house, **_places(settings)) if texts else []
    asked = next((one.text for one in ready if one.id == request.args.get("ready")), "")
    reads, writes = machine.helps(language)
    return page(
        "case.html",
        status=409 if draft else 200,
        case=found,
        channel=conversation.channel,
        ending=(conversation.number or "")[-3:],
        sensitive=conversation.sensitive_at is not None,
        safe=conversation.safe_to_contact,
        language=language,
        colleague=colleague,
        mine=mine,
        thread=thread.lines(said, conversation.channel, language),
        history=history,
        people={number: person.name for number, person in everybody.items()},
        colleagues=[one for one in everybody.values() if one.active and one.id != current().id],
        speakers=[one.name for one in everybody.values() if one.active and language in one.speaks],
        teams=teams,
        spoken=spoken,
        organizations=organizations,
        partners=_partners_teams() if mine and conversation.channel == "sms" else [],
        ready=ready,
        written=written,
        reads=reads,
        writes=writes,
        longest=LONGEST,
        draft=draft or asked,
        lost=bool(draft),
    )


def _places(settings: Settings) -> dict[str, str]:
    """What ready replies have to be filled in with."""
    return {
        "municipality": settings.municipality,
        "office": written(settings.office_number, settings.country),
        "emergency": settings.emergency_number,
    }


def after(case_id: str, done: bool, otherwise: str = "", to_queue: bool = False) -> BaseResponse:
    """The next page: the queue where the case is done with, else the case, with `otherwise` where something was not done."""
    if not done:
        flash(otherwise)
    return redirect(url_for("desk_queue.queue") if done and to_queue else url_for("desk_case.case", case_id=case_id))


def may_see(database: Session, case_id: str) -> bool:
    """Whether whoever is signed in has to do with this case."""
    found = database.get(Case, case_id)
    return found is not None and visible(found, staff.teams_of(database, current().id))


def _note(database: Session, done: bool, action: str, case_id: str) -> None:
    if done:
        audit.record(database, current().id, action, f"case {case_id}")
