"""Speech for languages that the provider has no voice for: espeak-ng into WAV, and recordings by people where there are any.

A sound's address holds its text, sealed with authenticated encryption (AES-SIV, RFC 5297): nobody can make one up or read
it, every process can serve it, and one text has one address, so that the provider keeps the sound. What holds no personal
data is kept as a file as well.
"""

import base64
import json
import shutil
import subprocess
import wave
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bot.encryption import vault
from bot.errors import CarelineError
from bot.speech import speech

#: Words a minute of espeak-ng: calm for everybody, and for whoever pressed 9.
SPEED, SLOW = 145, 105
#: Silence between words when slow, in units of 10 ms.
GAP = 4
#: Files kept at most; the oldest go first.
KEPT = 2000
#: Seconds espeak-ng may take; it needs some hundredths.
PATIENCE = 10


class NoVoice(CarelineError):
    """espeak-ng is not installed, or it cannot say this."""


@dataclass(frozen=True)
class Sound:
    """What is to be heard. `private`: it holds something of the person, so that no file is made of it."""

    text: str
    language: str
    slow: bool = False
    private: bool = False


@cache
def installed() -> bool:
    """Whether this machine has espeak-ng."""
    return shutil.which("espeak-ng") is not None


def address(sound: Sound) -> str:
    """The name under which a sound is served: it cannot be guessed, and is the same for the same sound."""
    data = json.dumps([sound.text, sound.language, int(sound.slow), int(sound.private)], ensure_ascii=False)
    return base64.urlsafe_b64encode(_cipher().encrypt(data.encode("utf-8", "replace"), None)).decode().rstrip("=")


def of_address(token: str) -> Sound | None:
    """The sound behind an address of ours, None for any other."""
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        text, language, slow, private = json.loads(_cipher().decrypt(sealed, None))
        return Sound(text, language, bool(slow), bool(private))
    except (InvalidTag, ValueError, TypeError):
        return None


def _cipher() -> AESSIV:
    return AESSIV(bytes.fromhex(vault().hash("sounds")))


def audio(sound: Sound, folder: Path) -> bytes:
    """The sound as a WAV file (8 kHz telephone lines take any rate), from `folder` if it has been made before.

    Raises NoVoice.
    """
    if sound.private:
        return _spoken(sound)
    path = folder / f"{vault().hash(f'{sound.language} {sound.slow} {sound.text}')[:40]}.wav"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{id(sound)}")
        draft.write_bytes(_spoken(sound))
        draft.replace(path)
        _prune(folder)
    return path.read_bytes()


def _prune(folder: Path) -> None:
    files = list(folder.glob("*.wav"))
    if len(files) > KEPT:
        for old in sorted(files, key=lambda path: path.stat().st_mtime)[: len(files) - KEPT]:
            old.unlink(missing_ok=True)


def _spoken(sound: Sound) -> bytes:
    voice = speech().voice(sound.language).espeak
    if voice is None or not installed():
        raise NoVoice(f"No voice for {sound.language} on this machine: install espeak-ng, or put a recording there.")
    command = [
        "espeak-ng",
        "-v",
        voice,
        "-b",
        "1",
        "-s",
        str(SLOW if sound.slow else SPEED),
        "-a",
        "140",
        "-z",
        "--stdin",
        "--stdout",
    ]
    if sound.slow:
        command += ["-g", str(GAP)]
    try:
        done = subprocess.run(command, input=sound.text.encode(), capture_output=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoVoice(f"espeak-ng cannot say it ({type(error).__name__}).") from error
    return _whole(done.stdout)


def _whole(streamed: bytes) -> bytes:
    """The WAV with its true lengths in the header; a program that writes to a pipe does not know them yet (RIFF)."""
    at = streamed.find(b"data")
    if not streamed.startswith(b"RIFF") or at < 0:
        raise NoVoice("espeak-ng answered with something that is no sound.")
    rate = int.from_bytes(streamed[24:28], "little")
    result = BytesIO()
    with wave.open(result, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(streamed[at + 8 :])
    return result.getvalue()


def recording(folder: Path, language: str, name: str) -> Path | None:
    """The file in which a person says a phrase, if there is one: `folder`/<language>/<name>.wav or .mp3."""
    if len(language) > 8 or len(name) > 80 or not (language + name).isprintable():
        return None  # no name of ours; a system refuses to look for some
    for ending in (".wav", ".mp3"):
        path = folder / language / f"{name}{ending}"
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    return None


def seconds(wav: bytes) -> float:
    """How long a WAV lasts. Raises wave.Error."""
    with wave.open(BytesIO(wav)) as file:
        return float(file.getnframes() / file.getframerate())
