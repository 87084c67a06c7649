"""People who call in tests, and what comes back, checked against the provider's rules each time."""

from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator

from bot.answers import Asked, rights, search
from bot.careline import Careline, Question
from bot.clock import now
from bot.reply import Choice, Phrase, Reply
from bot.topics import RIGHTS
from tests.conftest import TOKEN
from webhooks.caller import Caller

#: What may stand in what, and must be said (https://www.twilio.com/docs/voice/twiml, each verb's "nesting rules").
INSIDE = {
    "Response": {"Say", "Play", "Pause", "Gather", "Dial", "Record", "Hangup", "Redirect"},
    "Gather": {"Say", "Play", "Pause"},
    "Dial": {"Number"},
    "Say": {"s", "break", "prosody", "p"},
}
#: Verbs after which nothing that follows is ever reached.
LAST = {"Hangup", "Redirect"}


def check(xml: str) -> None:
    """A document that the provider would take, that says something, and that does not end without a way on."""
    assert xml.startswith("<?xml")
    assert len(xml.encode()) < 64 * 1024  # the provider takes no more
    root = ElementTree.fromstring(xml)
    assert root.tag == "Response"
    _nested(root)
    verbs = [child.tag for child in root]
    assert verbs, "an empty response hangs up"
    for number, verb in enumerate(verbs):
        assert verb not in LAST or number == len(verbs) - 1, verbs
    gathers = list(root.iter("Gather"))
    assert len(gathers) <= 1
    for gather in gathers:
        assert gather.get("actionOnEmptyResult") == "true"  # else silence would fall through and hang up
        assert gather.get("language")
        assert gather.get("input") in ("dtmf", "dtmf speech")
        assert verbs[-1] == "Gather"
        assert gather.get("numDigits") == "1" or gather.get("finishOnKey") == "#"
        hints = [hint for hint in gather.get("hints", "").split(",") if hint]
        assert len(hints) <= 500
        assert all(len(hint) <= 100 for hint in hints)
    for say in root.iter("Say"):
        text = "".join(say.itertext()).strip()
        assert text
        assert len(text) < 4096
        assert "{" not in text, text
        assert say.get("voice") or say.get("language") is None
    for play in root.iter("Play"):
        assert len(play.text or "") < 2000
    assert list(root.iter("Say")) or list(root.iter("Play")) or verbs == ["Dial"] or verbs[0] == "Gather"


def _nested(element: ElementTree.Element) -> None:
    for child in element:
        if element.tag in INSIDE:
            assert child.tag in INSIDE[element.tag], f"<{child.tag}> in <{element.tag}>"
        else:
            raise AssertionError(f"<{element.tag}> holds <{child.tag}>")
        _nested(child)


def posting(client: FlaskClient):  # type: ignore[no-untyped-def]
    """Posts signed webhooks to the application and checks every document."""

    def post(path: str, form: Mapping[str, str]) -> str:
        signature = RequestValidator(TOKEN).compute_signature(f"https://care.example.org{path}", dict(form))
        response = client.post(path, data=dict(form), headers={"X-Twilio-Signature": signature})
        assert response.status_code in (200, 204), response.text
        if response.status_code == 200 and not path.endswith("/take"):
            check(response.text)
        return response.text

    return post


def caller(client: FlaskClient, number: str = "+447700900123") -> Caller:
    """Somebody with a telephone."""
    return Caller(posting(client), number, "+441632960000")


def answers(careline: Careline) -> Callable[[Question], Reply]:
    """A dialogue that really looks things up, but understands only what the keys and a few words say."""

    def answer(question: Question) -> Reply:
        if (question.payload or "").startswith("/more"):
            return Reply(opening=(Phrase("more.end"),), closing=(Phrase("person.offer"),), topic="food")
        if question.text == "hmm":
            return Reply(opening=(Phrase("unsure.again"),), closing=(Phrase("person.offer"),))
        if question.text == "perhaps":
            likely = ("food", "shelter", "library")
            choices = tuple(Choice(f"/{topic}", Phrase(f"topic.{topic}"), topic=topic) for topic in likely)
            return Reply(opening=(Phrase("unsure.choose"),), choices=choices, closing=(Phrase("person.offer"),))
        place = careline.places().find(question.text) if question.payload is None else None
        moment = now().astimezone(careline.settings.time_zone)
        asked = Asked(question.conversation_id, question.text, question.language, "voice", moment, place=place)
        topic = (question.payload or "/food").lstrip("/")
        if topic in RIGHTS:
            return rights.answer(careline, asked, topic).reply
        return search.answer(careline, asked, topic).reply

    return answer
