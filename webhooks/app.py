"""The web application of one municipality, as a table of contents."""

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from bot import municipalities
from bot.careline import Careline, Dialogue
from bot.encryption import vault
from bot.ready import prepare
from webhooks import (
    api,
    bridges,
    compression,
    copies,
    device,
    errors,
    headers,
    health,
    hsds,
    kiosk,
    live,
    look,
    privacy,
    queue,
    simulator,
    simulator_call,
    sms,
    speech,
    voice,
)
from webhooks.desk import views as desk
from webhooks.lanes import Lanes
from webhooks.rasa import RasaDialogue

#: No request we serve needs more.
LARGEST_BODY = 64 * 1024
#: A provider's webhook has about thirty fields.
MOST_FIELDS = 200


class Number(IntegerConverter):
    """A number in an address, as large as a key of the database may be; anything larger is no address of ours (404)."""

    def __init__(self, map: Map, **options: Any) -> None:
        super().__init__(map, max=2**31 - 1, **options)


def create_app(careline: Careline, dialogue: Dialogue | None = None) -> Flask:
    """The application; without a dialogue, Rasa is asked. Raises a CarelineError if it cannot be opened."""
    settings = careline.settings
    https = settings.public_url.startswith("https:")
    dialogue = dialogue or RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)
    prepare(careline)
    app = Flask(__name__)
    app.url_map.converters["int"] = Number
    app.config.update(
        SECRET_KEY=vault().hash("sessions"),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=MOST_FIELDS,
        SESSION_COOKIE_NAME=headers.cookie("-".join(filter(None, ("session", municipalities.current()))), https),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        SEND_FILE_MAX_AGE_DEFAULT=600,
    )
    if settings.proxies:
        # Only the address is taken from the proxies; signatures and links use CARELINE_PUBLIC_URL.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    app.extensions["careline"] = careline
    app.extensions["carelines"] = {municipalities.current(): careline}
    app.extensions["partners"] = {}
    app.extensions["dialogue"] = dialogue
    app.extensions["wake"] = queue.waker(settings)
    errors.register(app)
    compression.register(app)
    headers.register(app, https)
    app.register_blueprint(sms.blueprint)
    app.register_blueprint(voice.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(kiosk.blueprint)
    app.register_blueprint(device.blueprint)
    app.register_blueprint(live.blueprint)
    app.register_blueprint(look.blueprint)
    app.jinja_env.globals.update(look_address=look.look_address, logo_address=look.logo_address)
    app.register_blueprint(speech.blueprint)
    app.register_blueprint(hsds.blueprint)
    desk.register(app)
    app.register_blueprint(privacy.blueprint)
    if settings.bridge:
        app.register_blueprint(bridges.blueprint)
    if settings.simulator:
        app.register_blueprint(simulator.blueprint)
        app.register_blueprint(simulator_call.blueprint)
        app.register_blueprint(copies.blueprint)
    app.wsgi_app = Lanes(app.wsgi_app, settings.web_threads)  # type: ignore[method-assign]
    return app
