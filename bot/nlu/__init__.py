"""What a message means: the encoder, the n-grams, the intent model, and the Rasa components around them.

`encoder`, `ngrams`, `softmax`, `closeness`, `model` and `words` know nothing of Rasa, so that they can be trained and
tested by themselves; `tokenizer`, `featurizer` and `classifier` are what config.yml names; `evaluate` measures.
"""
