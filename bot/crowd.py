"""On the day of the flood more people write than can be answered in time.

Each message is then kept with a promise, at a fraction of what an answer costs, and the worker answers it later (`bot.late`).
Danger, STOP and whoever asks for a person are answered before all others, as ever.
"""

from bot import crisis, gate, keywords, opt_out, redaction, spoken
from bot import escalation as cases
from bot.careline import Careline
from bot.conversation import record_inbound, record_reply
from bot.inbound import Inbound, clean
from bot.turn import SILENCE, Turn, again, many


def first(text: str) -> bool:
    """Whether a message is answered now, however many people are writing."""
    text = clean(text)
    keyword = keywords.match(text)
    return (keyword is not None and keyword.kind in gate.ALWAYS) or crisis.match(text) is not None


def keep(careline: Careline, inbound: Inbound) -> Turn:
    """Keep a message for the worker, once, and promise an answer. Raises DatabaseUnavailable: nothing is kept then."""
    text = clean(inbound.text)
    refusal = gate.refuse(careline, text, inbound.number, inbound.address, inbound.provider_id)
    if refusal is not None:
        return Turn("", spoken.of_stranger(careline, inbound), refusal.reply, refused=True)
    redacted = redaction.redact(text, careline.settings.country)
    recorded = record_inbound(careline.database, inbound.channel, redacted, inbound.provider_id, inbound.number, None)
    if recorded is None:
        return again(careline, inbound)
    language = recorded.language or spoken.of_stranger(careline, inbound)
    with careline.database.read() as session:
        # Nothing is said to somebody who told us to stop, nor while a person is at work on the conversation.
        stopped = inbound.number is not None and opt_out.stopped(session, inbound.number)
        silent = stopped or cases.claimed(session, recorded.conversation_id)
    reply = SILENCE if silent else many()
    record_reply(careline.database, recorded.message_id, reply, language, late=True)
    return Turn(recorded.conversation_id, language, reply, late=True)
