"""The edge to Rasa: one thin class per action."""
