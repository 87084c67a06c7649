"""A little town's worth of utterances."""

import pytest
from word_encoder import WordEncoder

from bot.nlu.utterances import Utterance

_TEXTS = {
    "food": "food bank near me|i am hungry|where is a food parcel|free meals tonight|nothing to eat at home|soup kitchen"
    "|my kids are hungry|food parcel for five|a hot meal please|who gives out food|banco de alimentos|comida gratis|tengo hambre",
    "shelter": "nowhere to sleep|a bed for tonight|i sleep in my car|hostel for homeless|where can i sleep|night shelter open"
    "|they put me on the street|no roof tonight|bed in a hostel|sleeping rough|donde dormir hoy|albergue para esta noche",
    "library": "is the library open|library card|books for children|library hours on sunday|public computer library"
    "|borrow a book|return my books|reading room|library near market|printing at the library|biblioteca|carnet biblioteca",
    "crisis_medical": "he is not breathing|she collapsed|heart attack|so much blood|he does not wake up|my baby swallowed bleach"
    "|chest pain and cold sweat|she has a seizure|choking on food|stroke her face hangs|no respira|se desmayo ahora",
    "out_of_scope": "tell me a joke|weather tomorrow|buy cheap shoes|who won the match|play some music|what is two plus two"
    "|best phone to buy|horoscope for leo|recipe for cake|flight to rome|un chiste|que tiempo hace",
}


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture(scope="session")
def town() -> list[Utterance]:
    return [
        Utterance(text, topic, "es" if at >= 10 else "en", "short" if len(text) < 18 else "plain")
        for topic, texts in _TEXTS.items()
        for at, text in enumerate(texts.split("|"))
    ]
