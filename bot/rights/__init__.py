"""The rights knowledge: articles in every language, and the instruments they rest on."""
