"""Somebody of the staff with a browser."""

import re

from flask import Flask
from werkzeug.test import Client

PASSWORD = "a long enough password"
ADDRESS = "https://care.example.org"


class Desk:
    """A member of staff with a browser, at the desk of the application at `address`."""

    def __init__(self, app: Flask | None, address: str = ADDRESS, client: Client | None = None) -> None:
        assert client or app
        self.client: Client = client or app.test_client()  # type: ignore[union-attr]
        self.address = address
        self.page = ""

    def get(self, path: str = "/desk") -> str:
        self.page = self.client.get(path, base_url=self.address, follow_redirects=True).text
        return self.page

    def post(self, path: str, status: int = 200, **fields: str) -> str:
        form = self.hidden() | fields
        response = self.client.post(path, data=form, base_url=self.address, follow_redirects=True)
        assert response.status_code == status, response.text
        self.page = response.text
        return self.page

    def hidden(self) -> dict[str, str]:
        return dict(re.findall(r'type="hidden" name="(token|once)" value="([^"]+)"', self.page))

    def sign_in(self, name: str, password: str = PASSWORD, status: int = 200) -> str:
        self.get("/desk/sign-in")
        return self.post("/desk/sign-in", status, name=name, password=password)
