"""A telephone that calls without a provider: plays the provider's part with really signed webhooks. For the terminal, the
simulator and tests."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree

import requests
from twilio.request_validator import RequestValidator

from bot import synthesis
from bot.errors import CarelineError
from bot.settings import Settings

#: Sends a form to a path of the service and gives back the document it answers with.
Post = Callable[[str, Mapping[str, str]], str]
#: What the call waits for: a key or words, a number, a message, another telephone; or nothing more.
Waits = Literal["key", "words", "number", "record", "dial", "end"]


@dataclass(frozen=True)
class Heard:
    """One thing the caller hears: its text, in which language, by which voice of the provider or from which sound."""

    text: str
    language: str = ""
    voice: str = ""
    sound: str = ""


@dataclass(frozen=True)
class Turn:
    """One document, as it sounds, and what it waits for. `numbers` are the telephones that are rung."""

    heard: tuple[Heard, ...]
    waits: Waits
    action: str = ""
    numbers: tuple[str, ...] = ()
    announced: str = ""
    xml: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """All that is heard, a line each."""
        return "\n".join(one.text for one in self.heard)


def read(xml: str) -> Turn:
    """A TwiML document as a turn. Raises ParseError for one that is none."""
    root = ElementTree.fromstring(xml)  # our own service's answer
    heard: list[Heard] = []
    for verb in root:
        match verb.tag:
            case "Say" | "Play":
                heard.append(_heard(verb))
            case "Gather":
                heard += [_heard(child) for child in verb if child.tag in ("Say", "Play")]
                waits: Waits = "number" if verb.get("numDigits") is None else "key"
                if "speech" in verb.get("input", ""):
                    waits = "words"
                return Turn(tuple(heard), waits, verb.get("action", ""), xml=xml)
            case "Record":
                return Turn(tuple(heard), "record", verb.get("action", ""), xml=xml)
            case "Dial":
                numbers = tuple(number.text or "" for number in verb.iter("Number"))
                announced = next((number.get("url", "") for number in verb.iter("Number")), "")
                return Turn(tuple(heard), "dial", verb.get("action", ""), numbers, announced, xml=xml)
            case "Hangup":
                break
    return Turn(tuple(heard), "end", xml=xml)


def _heard(verb: ElementTree.Element) -> Heard:
    if verb.tag == "Say":
        return Heard("".join(verb.itertext()), verb.get("language", ""), verb.get("voice", ""))
    address = verb.text or ""
    token = address.rpartition("/")[2].removesuffix(".wav")
    found = synthesis.of_address(token)
    return Heard(found.text, found.language, sound=address) if found else Heard(f"[{token}]", sound=address)


class Caller:
    """Somebody who calls: `call()`, then `press`, `say`, `wait`, `connect`, `record`, as the provider would report it."""

    def __init__(self, post: Post, number: str, to: str, account: str = "") -> None:
        self._post = post
        self._form = {
            "CallSid": f"CA{secrets.token_hex(16)}",
            "AccountSid": account or "AC" + "0" * 32,
            "From": number,
            "Caller": number,
            "To": to,
            "Called": to,
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }
        self.turn = Turn((), "end")

    @property
    def id(self) -> str:
        """The provider's id of the call."""
        return self._form["CallSid"]

    def call(self) -> Turn:
        """Dial the number."""
        return self._send("/voice", {"CallStatus": "ringing"})

    def press(self, keys: str) -> Turn:
        """Press a key, or key in a number."""
        return self._send(self.turn.action, {"Digits": keys, "FinishedOnKey": "#" if self.turn.waits == "number" else ""})

    def say(self, words: str, confidence: float = 0.92) -> Turn:
        """Say something."""
        return self._send(self.turn.action, {"SpeechResult": words, "Confidence": str(confidence)})

    def wait(self) -> Turn:
        """Say and press nothing."""
        return self._send(self.turn.action, {})

    def connect(self, answered: bool) -> Turn:
        """The telephones that are rung: somebody answers and hangs up after a talk, or nobody does."""
        if not self.turn.action:
            self.turn = Turn((), "end")
            return self.turn
        status = "completed" if answered else "no-answer"
        return self._send(self.turn.action, {"DialCallStatus": status, "DialBridged": str(answered).lower()})

    def record(self, seconds: int) -> Turn:
        """Leave a message of this length."""
        sid = f"RE{secrets.token_hex(16)}"
        url = f"https://api.twilio.com/2010-04-01/Accounts/{self._form['AccountSid']}/Recordings/{sid}"
        form = {"RecordingSid": sid, "RecordingUrl": url, "RecordingDuration": str(seconds), "Digits": "#"}
        return self._send(self.turn.action, form)

    def hang_up(self) -> None:
        """End the call."""
        self._post("/voice/status", {**self._form, "CallStatus": "completed", "CallDuration": "60"})
        self.turn = Turn((), "end")

    def _send(self, path: str, form: Mapping[str, str]) -> Turn:
        self.turn = read(self._post(path, {**self._form, "CallStatus": "in-progress", **form}))
        return self.turn


def over_http(settings: Settings, address: str) -> Post:
    """Post signed webhooks to the service running at `address`. What it gives raises CarelineError if it refuses."""

    def post(path: str, form: Mapping[str, str]) -> str:
        signature = RequestValidator(settings.twilio_auth_token).compute_signature(
            settings.public_url.rstrip("/") + path, dict(form)
        )
        with requests.Session() as session:
            session.trust_env = False
            try:
                response = session.post(address + path, data=dict(form), headers={"X-Twilio-Signature": signature}, timeout=20)
            except requests.RequestException as error:
                raise CarelineError(f"Nothing answers at {address}: start it with `careline up`.") from error
        if not response.ok:
            raise CarelineError(f"The service refused the call ({response.status_code}).")
        return response.text

    return post
