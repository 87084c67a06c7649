"""Tune the encoder anew after utterances have changed.

    uv run --group tuning python -m bot.nlu.tuning            all utterances: writes data/encoder and data/vectors
    uv run --group tuning python -m bot.nlu.tuning --fold 0   four fifths, to be judged by the rest

The second writes to `tuning` under the home folder. `careline evaluate --weights` judges understanding with that, and the
first takes from there how far the network is to be believed; without it, from the weights it replaces.
"""

import argparse
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Final

# The threads of OpenMP spin while they wait, unless told not to before it is loaded; on a busy machine that takes half.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from bot.errors import DataError
from bot.nlu import seed, tuned
from bot.nlu.encoder import BundledEncoder, TunedEncoder, VectorCache, Vectors, key
from bot.nlu.evaluate import splits
from bot.nlu.romanised import copies
from bot.nlu.tuning.belief import believe, ngram_chances, remoteness
from bot.nlu.tuning.learn import Recipe, first_head, lower, tune, vectors_of
from bot.nlu.tuning.network import Network
from bot.nlu.tuning.tokens import Tokens
from bot.nlu.utterances import read_utterances, without_copies
from bot.nlu.weights import read_layout
from bot.settings import Settings, ours

ROOT: Final = Path(__file__).resolve().parents[3]
#: Texts compared with what the engine makes of them, and how near the two must be.
_COMPARED: Final = 256
_NEAR: Final = 0.999


def tell(text: str) -> None:
    """One line with the time."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def main() -> None:
    """Tune, write, and check what was written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fold", type=int, help="leave out this fold, from 0, and judge by it")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=Recipe.rounds)
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    recipe = Recipe(rounds=options.rounds)
    home = Settings.from_env(ours(os.environ)).home
    utterances = without_copies(read_utterances(ROOT / "data" / "nlu"))
    texts = [utterance.text for utterance in utterances]
    topics = tuple(sorted({utterance.topic for utterance in utterances}))
    classes = np.array([topics.index(utterance.topic) for utterance in utterances])
    train, test = np.arange(len(texts)), np.arange(0)
    if options.fold is not None:
        tell("vectors of the untuned encoder, to know what means the same")
        vectors = VectorCache(BundledEncoder(os.cpu_count() or 1), home / "vectors").encode(texts)
        fold, _ = splits(utterances, vectors, options.folds)
        train, test = np.flatnonzero(fold != options.fold), np.flatnonzero(fold == options.fold)

    base = tuned.bundled().read_bytes()
    layout = read_layout(base)
    tokens = Tokens(layout)
    torch.manual_seed(recipe.seed)
    network = Network(base, layout, recipe.fixed, recipe.units)
    originals, romanised = copies(texts)
    made = lower(network, tokens.encode([*texts, *romanised]), tell)
    head = first_head(vectors_of(network, made, train), classes[train], len(topics))
    again = {original: len(texts) + at for at, original in enumerate(originals)}
    tune(network, head, made, train, again, classes, recipe, tell)
    vectors = vectors_of(network, made, np.arange(len(texts)))
    weights, bias = head.plain()

    if options.fold is None:
        found = _earlier_belief(home)
    else:
        others = ngram_chances(texts, classes, train, test, len(topics))
        temperature, share, sharpness = believe(vectors[test] @ weights + bias, others, classes[test])
        found = (temperature, share, sharpness, remoteness(vectors[train], vectors[test]))
    judge = tuned.Judge(topics, weights, bias, *found)
    if options.fold is not None:
        both = judge.together(judge.chances(vectors[test], topics), others)
        for name, chances in (("n-grams", others), ("network", judge.chances(vectors[test], topics)), ("both", both)):
            tell(f"{name}: first right {100 * (chances.argmax(axis=1) == classes[test]).mean():.1f} %")
    tensors = network.tensors()
    whole = tuned.whole(base, recipe.units, tensors)
    result = tuned.Tuned(recipe.units, tensors, hashlib.sha256(base).hexdigest(), hashlib.sha256(whole).hexdigest(), judge)
    path = tuned.write(*((tuned.FOLDER, result) if options.fold is None else (home / "tuning", result, f"fold-{options.fold}")))
    tell(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")
    _check(path, texts, vectors)
    if options.fold is None:
        _ship(path, texts, vectors)


def _earlier_belief(home: Path) -> tuple[float, float, float, float]:
    folds = sorted((home / "tuning").glob("fold-*.npz"))
    judge = tuned.read(folds[0] if folds else tuned.the_file()).judge
    return judge.temperature, judge.share, judge.sharpness, judge.remote


def _check(path: Path, texts: list[str], vectors: Vectors) -> None:
    """Raises DataError if the engine does not make of the file what was tuned."""
    some = np.random.default_rng(1).permutation(len(texts))[:_COMPARED]
    with tempfile.TemporaryDirectory() as folder:
        engine = TunedEncoder(os.cpu_count() or 1, Path(folder), path).encode([texts[at] for at in some])
    cosine = (engine * vectors[some]).sum(axis=1)
    tell(f"cosine of the engine's vectors with those tuned: {cosine.min():.4f} at least, {cosine.mean():.4f} on average")
    if cosine.mean() < _NEAR:
        raise DataError("The engine does not make of the weights what was tuned; nothing else was written.")


def _ship(path: Path, texts: list[str], vectors: Vectors) -> None:
    """Write the vectors that come with the utterances (see `bot.nlu.seed`), in place of those of other weights."""
    target = seed.FOLDER / VectorCache(TunedEncoder(1, path=path), Path()).path.name
    for old in seed.FOLDER.glob("*.npz"):
        old.unlink()
    seed.write(target, [key(text) for text in texts], vectors)
    tell(f"wrote {target}, {target.stat().st_size / 1e6:.0f} MB; now train: careline train")


if __name__ == "__main__":
    main()
