"""All pages of the desk, as a table of contents."""

from flask import Flask

from webhooks.desk import (
    account,
    articles,
    calls,
    case,
    directory,
    figures,
    live,
    machine,
    new,
    people,
    queue,
    search,
    sign_in,
    translation,
    words,
)


def register(app: Flask) -> None:
    """Add the desk to the application."""
    for module in (
        sign_in,
        account,
        queue,
        live,
        case,
        translation,
        calls,
        search,
        figures,
        directory,
        new,
        articles,
        words,
        people,
    ):
        app.register_blueprint(module.blueprint)
    live.register(app)
    machine.register(app)
