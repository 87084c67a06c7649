"""Twilio's side, in our words: its form fields, its signatures, its errors, its client. The one place that knows them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import RequestException, get
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from bot.errors import BadNumber, ProviderRefused, ProviderUnavailable, RecipientOptedOut, SendError, TooManyRequests
from bot.inbound import Inbound
from bot.phone import normalised
from bot.settings import Settings

#: Twilio's error codes that mean something to us (https://www.twilio.com/docs/api/errors).
_ERRORS: Mapping[int, type[SendError]] = {
    20429: TooManyRequests,
    14107: TooManyRequests,
    30001: TooManyRequests,  # queue overflow
    21610: RecipientOptedOut,
    21211: BadNumber,  # not a phone number
    21214: BadNumber,
    21408: BadNumber,  # region not enabled
    21612: BadNumber,  # cannot be reached from our number
    21614: BadNumber,  # not a mobile number
    30003: ProviderUnavailable,  # handset unreachable
    30008: ProviderUnavailable,
    20500: ProviderUnavailable,
    20503: ProviderUnavailable,
}

#: Twilio's delivery statuses in our words; those left out say nothing new.
STATUSES: Mapping[str, str] = {
    "queued": "sent",
    "accepted": "sent",
    "scheduled": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


#: How many texts, calls or recordings are erased at once; what is left is erased the next time.
ERASED_AT_ONCE = 500
#: "Resource not in deletable state", "Message deletion: message is not in a final state".
_NOT_FINAL = frozenset({20009, 30409})


def signed(settings: Settings, path: str, form: Mapping[str, Any], signature: str) -> bool:
    """Whether the webhook was signed with our token over the public address. Never true without a token.

    `path` is the path with its query as it was called; `form` the fields, as a multi-dict where one occurs twice.
    Source: https://www.twilio.com/docs/usage/security#validating-requests
    """
    if not settings.twilio_auth_token or not settings.public_url or not signature:
        return False
    validator = RequestValidator(settings.twilio_auth_token)
    return bool(validator.validate(settings.public_url.rstrip("/") + path, form, signature))


def last_try(form: Mapping[str, str]) -> bool:
    """Whether this is the call to the fallback address, after which the provider gives a message up.

    It says there what went wrong before (https://www.twilio.com/docs/messaging/guides/webhook-request#error-parameters).
    """
    return bool(form.get("ErrorCode"))


def inbound(form: Mapping[str, str], country: str) -> Inbound | None:
    """The message in a webhook's form; None without a sender or an id, for then nobody could be answered."""
    number = normalised(form.get("From"), country)
    provider_id = form.get("MessageSid") or form.get("SmsSid")
    if number is None or not provider_id or len(provider_id) > 64:
        return None
    media = form.get("NumMedia", "0")
    return Inbound(
        channel="sms",
        text=form.get("Body", ""),
        number=number,
        provider_id=provider_id,
        media=int(media) if media.isascii() and media.isdigit() and len(media) < 4 else 0,
        # Twilio adds this where it acts on the word itself (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
        provider_stopped=form.get("OptOutType") == "STOP",
    )


def twiml(text: str) -> str:
    """The answer to a webhook: one message, or none."""
    response = MessagingResponse()
    if text:
        response.message(text)
    return str(response)


class _Redirected(TwilioHttpClient):
    """Twilio's client has no option for another server; this keeps path and query and changes where they go."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        target = (self._base.scheme, self._base.netloc, self._base.path.rstrip("/") + parts.path, parts.query, "")
        return super().request(method, urlunsplit(target), *args, **kwargs)


class TwilioSender:
    """Sends texts through Twilio's REST API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        http = _Redirected(settings.twilio_api_url, 10) if settings.twilio_api_url else TwilioHttpClient(timeout=10)
        self._client = Client(
            settings.twilio_account_sid or "AC" + "0" * 32, settings.twilio_auth_token or "none", http_client=http
        )

    def send(self, number: str, text: str, reference: str) -> str:
        """Hand a text over and return Twilio's id of it. Raises a SendError."""
        public = self._settings.public_url.rstrip("/")
        callback = f"{public}/sms/status?message={reference}" if public else None
        try:
            message = self._client.messages.create(
                to=number, from_=self._settings.sms_number, body=text, **({"status_callback": callback} if callback else {})
            )
        except TwilioRestException as error:
            raise _named(error) from error
        except (RequestException, TwilioException) as error:
            raise ProviderUnavailable(f"The provider cannot be reached ({type(error).__name__}).") from error
        return str(message.sid)

    def erase(self, number: str, before: datetime | None) -> bool:
        """Erase Twilio's copies of our texts with `number`, calls with it, and their recordings. Raises a SendError.

        All numbers of this municipality are looked up, the one it texts from and the one people call, and no neighbour's.
        False if some are still on their way: Twilio keeps those until they have arrived
        (https://www.twilio.com/docs/messaging/api/message-resource#delete-a-message-resource).
        """
        ours = dict.fromkeys((self._settings.sms_number, self._settings.voice_number))
        sent = {"date_sent_before": before} if before else {}
        started = {"start_time_before": before} if before else {}

        def erase() -> bool:
            ways = [way for own in ours if own for way in ({"to": number, "from_": own}, {"to": own, "from_": number})]
            texts = [self._client.messages.list(limit=ERASED_AT_ONCE, **way, **sent) for way in ways]
            calls = [self._client.calls.list(limit=ERASED_AT_ONCE, **way, **started) for way in ways]
            recordings = [
                self._client.recordings.list(call_sid=call.sid, limit=ERASED_AT_ONCE) for found in calls for call in found
            ]
            lists = (*recordings, *calls, *texts)
            gone = [_gone(one.delete) for found in lists for one in found]
            return all(gone) and all(len(found) < ERASED_AT_ONCE for found in lists)

        return _asked(erase)

    def erase_call(self, call_id: str) -> bool:
        """Erase a call with its recordings. False while it goes on. Raises a SendError."""

        def erase() -> bool:
            recordings = self._client.recordings.list(call_sid=call_id, limit=ERASED_AT_ONCE)
            gone = [_gone(one.delete) for one in recordings]
            return all(gone) and len(gone) < ERASED_AT_ONCE and _gone(self._client.calls(call_id).delete)

        return _asked(erase)

    def erase_recording(self, recording_id: str) -> bool:
        """Erase a recording. False while it is made. Raises a SendError.

        Source: https://www.twilio.com/docs/voice/api/recording#delete-a-recording-resource
        """
        return _asked(lambda: _gone(self._client.recordings(recording_id).delete))


def _asked(ask: Callable[[], bool]) -> bool:
    """What Twilio answers; its errors and those of the network in our words."""
    try:
        return ask()
    except TwilioRestException as error:
        raise _named(error) from error
    except (RequestException, TwilioException) as error:
        raise ProviderUnavailable(f"The provider cannot be reached ({type(error).__name__}).") from error


def _gone(delete: Callable[[], object]) -> bool:
    """Delete one; whether it is gone. Twilio answers 404 for what is gone already, and 409 or 20009 for what is not final."""
    try:
        delete()
    except TwilioRestException as error:
        if error.status == 404:
            return True
        if error.status == 409 or error.code in _NOT_FINAL:
            return False
        raise
    return True


class Lookup:
    """Whether a number takes texts, asked of Twilio (Lookup v2, line type intelligence).

    Source: https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence
    """

    #: Types that no text reaches, and those that take texts; others say nothing.
    LANDLINES = ("landline", "tollFree", "pager", "voicemail")
    MOBILES = ("mobile", "personal")

    def __init__(self, settings: Settings) -> None:
        http = _Redirected(settings.twilio_api_url, 3) if settings.twilio_api_url else TwilioHttpClient(timeout=3)
        self._client = Client(
            settings.twilio_account_sid or "AC" + "0" * 32, settings.twilio_auth_token or "none", http_client=http
        )

    def texts(self, number: str) -> bool | None:
        """Whether texts reach `number`; None when Twilio cannot say, or does not answer in time."""
        try:
            found = self._client.lookups.v2.phone_numbers(number).fetch(fields="line_type_intelligence")
        except (TwilioException, RequestException):
            return None
        kind = (found.line_type_intelligence or {}).get("type")
        return False if kind in self.LANDLINES else True if kind in self.MOBILES else None


def recording(settings: Settings, recording_id: str) -> bytes | None:
    """The sound of a recording as MP3, None if the provider does not give it.

    Source: https://www.twilio.com/docs/voice/api/recording#fetch-a-recordings-media-file
    """
    if not recording_id.isalnum():
        return None
    account = settings.twilio_account_sid
    base = settings.twilio_api_url.rstrip("/") or "https://api.twilio.com"
    try:
        response = get(
            f"{base}/2010-04-01/Accounts/{account}/Recordings/{recording_id}.mp3",
            auth=(account, settings.twilio_auth_token),
            timeout=10,
        )
    except RequestException:
        return None
    return response.content if response.ok else None


def _named(error: TwilioRestException) -> SendError:
    """Our name for Twilio's error: by its code, else by the HTTP status."""
    code = error.code if isinstance(error.code, int) else None
    if code is not None and code in _ERRORS:
        return _ERRORS[code](f"The provider refused the message (code {code}).", code)
    if error.status == 429:
        return TooManyRequests("The provider asks us to slow down.", code)
    if error.status >= 500:
        return ProviderUnavailable(f"The provider answered {error.status}.", code)
    return ProviderRefused(f"The provider refused the message ({error.status}).", code)
