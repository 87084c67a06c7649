"""Rasa's tokenizer for every script we serve.

Rasa's own WhitespaceTokenizer deletes Chinese, Japanese and Korean words: its emoji pattern spans their characters.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.words import split


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class CarelineTokenizer(Tokenizer):
    """Words as `bot.nlu.words.split` gives them: nothing lost, offsets into the text as it was sent."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Rasa's options, none of which we use; the base class reads them."""
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """The tokens of one attribute of the message."""
        return [Token(word.text, word.start, word.end) for word in split(message.get(attribute))]
