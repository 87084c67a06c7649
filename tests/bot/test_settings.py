"""Settings: read, checked, and each mistake told in a sentence."""

from datetime import time

import pytest

from bot.errors import SettingsError
from bot.settings import Settings


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"CARELINE_PORTT": "1"}, "Unknown setting CARELINE_PORTT"),
        ({"CARELINE_RASA_TIMEOUT": "soon"}, "CARELINE_RASA_TIMEOUT"),
        ({"CARELINE_RASA_TIMEOUT": "-1"}, "above 0"),
        ({"CARELINE_LANGUAGES": "en,xx"}, "must name languages"),
        ({"CARELINE_LANGUAGES": ""}, "must name languages"),
        ({"CARELINE_TIME_ZONE": "Mars/Olympus"}, "time zone"),
        ({"CARELINE_OFFICE_HOURS": "nine to five"}, "CARELINE_OFFICE_HOURS"),
        ({"CARELINE_SIMULATOR": "maybe"}, "true or false"),
        ({"CARELINE_LANGUAGES": "es", "CARELINE_DEFAULT_LANGUAGE": "en"}, "CARELINE_DEFAULT_LANGUAGE"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_setting(env: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Settings.from_env(env)


def test_reads_values() -> None:
    settings = Settings.from_env({"CARELINE_LANGUAGES": "es, en", "CARELINE_OFFICE_HOURS": "08:30-17:00"})
    assert settings.languages == ("es", "en")
    assert settings.office_hours.weekdays() == ((time(8, 30), time(17)),)
    assert settings.database.startswith("sqlite:////")
