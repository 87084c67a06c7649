"""`rasa` with its own Twilio channel, whose provider is a stub on loopback instead of the real one."""

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twilio.http.http_client import TwilioHttpClient

_request = TwilioHttpClient.request


def _redirected(self: TwilioHttpClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
    base = urlsplit(os.environ["BENCHMARK_PROVIDER"])
    parts = urlsplit(url)
    return _request(self, method, urlunsplit((base.scheme, base.netloc, parts.path, parts.query, "")), *args, **kwargs)


if __name__ == "__main__":
    TwilioHttpClient.request = _redirected
    from rasa.__main__ import main

    main()
