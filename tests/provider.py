"""An OpenID Connect provider that runs as a process of its own: Authlib's server side on Flask.

    python -m tests.provider PORT CLIENT_ID CLIENT_SECRET

Who signs in stands in the browser's cookie "who" as claims (JSON in base64); the consent page is skipped. Authorization code flow
with PKCE, signed ID tokens (RS256), discovery and keys: as much as a city's provider has and our client uses.
"""

import json
import os
import sys
import time
from base64 import urlsafe_b64decode

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, request
from joserfc.jwk import RSAKey

#: What the code holds until it is exchanged.
_codes: dict[str, "Code"] = {}
_used_nonces: set[str] = set()


class User(dict):  # type: ignore[type-arg]
    def get_user_id(self) -> str:
        return str(self["sub"])


class Client:
    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id, self.secret = client_id, secret

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, uri: str) -> bool:
        return uri.endswith("/desk/sign-in/provider/back")

    def check_client_secret(self, secret: str) -> bool:
        return secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Code:
    def __init__(self, code: str, asked, user: User) -> None:  # type: ignore[no-untyped-def]
        self.code, self.user, self.client_id = code, user, asked.client.client_id
        data = asked.payload.data
        self.redirect_uri, self.scope, self.nonce = asked.payload.redirect_uri, asked.payload.scope, data.get("nonce")
        self.code_challenge, self.code_challenge_method = data.get("code_challenge"), data.get("code_challenge_method")
        self.auth_time = int(time.time())

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    def is_expired(self) -> bool:
        return time.time() - self.auth_time > 60


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code, request):  # type: ignore[no-untyped-def]
        _codes[code] = Code(code, request, request.user)
        _used_nonces.add(_codes[code].nonce)

    def query_authorization_code(self, code, client):  # type: ignore[no-untyped-def]
        found = _codes.get(code)
        return found if found and found.client_id == client.client_id and not found.is_expired() else None

    def delete_authorization_code(self, authorization_code):  # type: ignore[no-untyped-def]
        _codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):  # type: ignore[no-untyped-def]
        return authorization_code.user


def make(issuer: str, client: Client) -> Flask:
    """The provider."""
    app = Flask(__name__)
    key = RSAKey.generate_key(2048, parameters={"kid": "1", "alg": "RS256", "use": "sig"})

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce, request):  # type: ignore[no-untyped-def]
            return nonce in _used_nonces

        def get_jwt_config(self, grant=None, client=None):  # type: ignore[no-untyped-def]
            return {"key": key.as_dict(private=True), "alg": "RS256", "iss": issuer, "exp": 300}

        def generate_user_info(self, user, scope):  # type: ignore[no-untyped-def]
            return UserInfo(**user)

    server = AuthorizationServer(
        app, query_client=lambda name: client if name == client.client_id else None, save_token=lambda token, request: None
    )
    server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery():  # type: ignore[no-untyped-def]
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/keys",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            code_challenge_methods_supported=["S256"],
        )

    @app.get("/keys")
    def keys():  # type: ignore[no-untyped-def]
        return jsonify(keys=[key.as_dict(private=False)])

    @app.get("/authorize")
    def authorize():  # type: ignore[no-untyped-def]
        user = User(json.loads(urlsafe_b64decode(request.cookies.get("who", "e30="))))
        grant = server.get_consent_grant(end_user=user)
        return server.create_authorization_response(grant_user=user if "sub" in user else None, grant=grant)

    @app.post("/token")
    def token():  # type: ignore[no-untyped-def]
        return server.create_token_response()

    return app


if __name__ == "__main__":
    port, client_id, client_secret = sys.argv[1:4]
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback has no certificate
    make(f"http://127.0.0.1:{port}", Client(client_id, client_secret)).run(port=int(port))
