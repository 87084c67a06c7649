"""A telephone without a provider: texts the service with really signed webhooks. For the simulator and the terminal."""

import secrets
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
from twilio.request_validator import RequestValidator

from bot.errors import CarelineError
from bot.settings import Settings


def send_text(settings: Settings, address: str, number: str, text: str) -> list[str]:
    """Text the service running at `address` and return the texts it answers with. Raises CarelineError if it refuses."""
    form = {
        "MessageSid": f"SM{secrets.token_hex(16)}",
        "AccountSid": settings.twilio_account_sid or "AC" + "0" * 32,
        "From": number,
        "To": settings.sms_number,
        "Body": text,
        "NumMedia": "0",
    }
    url = f"{settings.public_url.rstrip('/')}/sms"
    signature = RequestValidator(settings.twilio_auth_token).compute_signature(url, form)
    # By the name the provider would use, wherever the machine is: it says which municipality is texted.
    headers = {"X-Twilio-Signature": signature, "Host": urlsplit(settings.public_url).netloc}
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.post(f"{address}/sms", data=form, headers=headers, timeout=20)
        except requests.RequestException as error:
            raise CarelineError(f"Nothing answers at {address}: start it with `careline up`.") from error
    if not response.ok:
        raise CarelineError(f"The service refused the text ({response.status_code}).")
    # The service's own answer, not somebody's document.
    return [message.text or "" for message in ElementTree.fromstring(response.text).iter("Message")]
