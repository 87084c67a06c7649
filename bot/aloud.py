"""An answer read aloud by espeak-ng, for browsers that have no voice of their own for a language.

espeak-ng is a program of the operating system (Debian: espeak-ng); without it nothing is offered. Nothing is kept.
"""

import shutil
import subprocess
import threading
from typing import Final

from bot.render.facts import Facts
from bot.render.text import lines
from bot.reply import Reply

#: Voices of espeak-ng 1.51 (`espeak-ng --voices`). It has none for Tagalog, and its Japanese one
#: names kanji instead of reading them.
VOICES: Final = {
    "en": "en-gb",
    "es": "es",
    "fr": "fr-fr",
    "pt": "pt",
    "nl": "nl",
    "ar": "ar",
    "ur": "ur",
    "ne": "ne",
    "sw": "sw",
    "zh": "cmn",
}
#: Words a minute; slower than its usual 175.
SPEED: Final = 140
#: Seconds one answer may take to be spoken, characters it may have, and how many are made at once in one process.
TIMEOUT, LONGEST = 20, 4000
_making = threading.BoundedSemaphore(2)


def available(language: str) -> bool:
    """Whether an answer in this language can be spoken here."""
    return language in VOICES and shutil.which("espeak-ng") is not None


def spoken(reply: Reply, facts: Facts) -> str:
    """What is read of an answer: the article in full, then what every channel says."""
    pieces = [line.text for line in lines(reply, facts)]
    if reply.article is not None:
        pieces = [reply.article.title, reply.article.easy or "", reply.article.body, *pieces[1:]]
    return "\n\n".join(piece for piece in pieces if piece)[:LONGEST]


def wav(text: str, language: str) -> bytes | None:
    """The text as a WAV file (22,050 Hz, mono, 16 bits). None without a voice, or when it is busy for too long."""
    if not available(language) or not _making.acquire(timeout=TIMEOUT):
        return None
    try:
        # The text goes in by standard input: it is in no list of processes.
        command = ["espeak-ng", "-v", VOICES[language], "-s", str(SPEED), "-b", "1", "--stdin", "--stdout"]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    finally:
        _making.release()
    return _measured(done.stdout) or None


def _measured(sound: bytes) -> bytes:
    """With its true lengths in the header: espeak-ng cannot know them while it writes (RIFF, chunks at 4 and 40)."""
    if len(sound) < 44 or sound[:4] != b"RIFF" or sound[36:40] != b"data":
        return b""
    return sound[:4] + (len(sound) - 8).to_bytes(4, "little") + sound[8:40] + (len(sound) - 44).to_bytes(4, "little") + sound[44:]
