"""What is sent compressed, and what never is."""

import gzip

import pytest
from flask.testing import FlaskClient

PACKED = {"Accept-Encoding": "gzip"}


def test_the_page_is_sent_compressed_to_whoever_takes_it(client: FlaskClient) -> None:
    plain, packed = client.get("/"), client.get("/", headers=PACKED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert b"<main" in gzip.decompress(packed.data)


@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk", "/desk/me"])
def test_the_desk_is_not(client: FlaskClient, path: str) -> None:
    """Its pages hold a form's token beside what people wrote: the length must not tell of it."""
    answer = client.get(path, headers=PACKED, follow_redirects=True)
    assert len(answer.data) > 600
    assert b'name="token"' in answer.data
    assert "Content-Encoding" not in answer.headers
