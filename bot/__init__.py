"""The service: what we know, what we decide, what we say. No Flask, no Twilio; Rasa only in `bot.nlu`."""
