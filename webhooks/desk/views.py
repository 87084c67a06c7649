"""All pages of the desk, as a table of contents."""

from flask import Flask

from webhooks.desk import account, case, people, queue, sign_in


def register(app: Flask) -> None:
    """Add the desk to the application."""
    for module in (sign_in, account, queue, case, people):
        app.register_blueprint(module.blueprint)
