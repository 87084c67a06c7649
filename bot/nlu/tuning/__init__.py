"""Tuning the encoder to our topics: `uv run --group tuning python -m bot.nlu.tuning` (see docs/tuning.md).

PyTorch is imported only here; nothing that answers needs it.
"""
