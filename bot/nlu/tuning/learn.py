"""Tuning itself: the network and a softmax over its vectors learn the topics together."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as f

from bot.nlu.tuning.network import Network
from bot.nlu.weights import Floats

Ints = NDArray[np.int_]


@dataclass(frozen=True)
class Recipe:
    """How is tuned. `pace` is the greatest step of the upper layer, each lower one's is `fading` times that of the one above;
    `swapped` is how often a text is learned in its romanised copy."""

    rounds: int = 2
    rows: int = 64
    fixed: int = 6
    units: int = 256
    pace: float = 1e-3
    norm_pace: float = 5e-4
    head_pace: float = 1e-3
    fading: float = 0.95
    decay: float = 0.01
    smoothing: float = 0.1
    head_dropout: float = 0.1
    swapped: float = 0.2
    warming: float = 0.06
    seed: int = 7


class Head(nn.Module):
    """A softmax over vectors seen from `mean`, in units in which they have about the length 6."""

    def __init__(self, mean: Tensor, unit: float, topics: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.unit = unit
        self.map = nn.Linear(len(mean), topics)

    def forward(self, vectors: Tensor) -> Tensor:
        """Scores before normalising."""
        return self.map((vectors - self.mean) * self.unit)

    def plain(self) -> tuple[Floats, Floats]:
        """The same as one matrix (width, topics) and one bias, for vectors as they are."""
        with torch.no_grad():
            weights = self.map.weight.T * self.unit
            return weights.numpy(), (self.map.bias - self.mean @ weights).numpy()


def first_head(vectors: Floats, classes: Ints, topics: int) -> Head:
    """The head that suits the vectors as they are before tuning."""
    seen = torch.from_numpy(vectors)
    mean = seen.mean(0)
    head = Head(mean, 6 / float((seen - mean).norm(dim=1).mean()), topics)
    nn.init.zeros_(head.map.weight)
    nn.init.zeros_(head.map.bias)
    wanted = torch.from_numpy(classes)
    steps = torch.optim.LBFGS(head.parameters(), max_iter=60, history_size=5, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        steps.zero_grad()
        found = f.cross_entropy(head(seen), wanted) + 0.5 / len(seen) * (head.map.weight**2).sum()
        found.backward()
        return found

    steps.step(loss)
    return head


def batches(lengths: Ints, rows: int, pieces: int, dice: random.Random | None = None) -> Iterator[Ints]:
    """The numbers of texts that go together: alike in length, at random among those if `dice` are given."""
    order = np.argsort(lengths if dice is None else lengths + np.array([dice.random() * 3 for _ in lengths]), kind="stable")
    parts: list[Ints] = []
    at = 0
    while at < len(order):
        size = max(1, min(rows, pieces // int(lengths[order[min(at + rows, len(order)) - 1]])))
        parts.append(order[at : at + size])
        at += size
    if dice:
        dice.shuffle(parts)
    yield from parts


@dataclass(frozen=True)
class Lower:
    """What the layers that do not learn made of texts, worked out once: all pieces in one table, and where each text begins."""

    table: Tensor
    starts: Ints

    @property
    def lengths(self) -> Ints:
        """How many pieces each text has."""
        return np.diff(self.starts)

    def filled(self, which: Ints) -> tuple[Tensor, Tensor]:
        """The texts' pieces, shape (texts, pieces, width), filled up with anything, and where there is one."""
        lengths = self.lengths[which]
        along = np.arange(lengths.max())[None, :]
        rows = self.starts[which][:, None] + np.minimum(along, lengths[:, None] - 1)
        return self.table[torch.from_numpy(rows)], torch.from_numpy(along < lengths[:, None])


def lower(network: Network, pieces: Sequence[Sequence[int]], tell: Callable[[str], None]) -> Lower:
    """The lower layers' part for texts given as pieces; 3 KB a text."""
    network.eval()
    lengths = np.array([len(one) for one in pieces])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    table = torch.zeros(int(starts[-1]), len(network.norm), dtype=torch.bfloat16)
    done = 0
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for part in batches(lengths, 256, 8192):
            numbers = np.ones((len(part), lengths[part].max()), dtype=np.int64)
            for row, at in enumerate(part):
                numbers[row, : lengths[at]] = pieces[at]
            there = torch.from_numpy(np.arange(numbers.shape[1])[None, :] < lengths[part][:, None])
            made = network.lower(numbers, there).bfloat16()
            for row, at in enumerate(part):
                table[starts[at] : starts[at + 1]] = made[row, : lengths[at]]
            done += len(part)
            if done % (16 * 256) < len(part):
                tell(f"lower layers: {done} of {len(pieces)} texts")
    return Lower(table, starts)


def vectors_of(network: Network, texts: Lower, which: Ints) -> Floats:
    """Vectors of unit length of some of the texts."""
    network.eval()
    found = np.zeros((len(which), len(network.norm)), dtype=np.float32)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for part in batches(texts.lengths[which], 256, 8192):
            found[part] = network.upper(*texts.filled(which[part])).float().numpy()
    return found


def tune(
    network: Network,
    head: Head,
    texts: Lower,
    which: Ints,
    copies: dict[int, int],
    classes: Ints,
    recipe: Recipe,
    tell: Callable[[str], None],
    after: Callable[[int], None] | None = None,
) -> None:
    """Teach `network` and `head` which of the classes each text of the texts `which` has; `copies` says where in `texts` some of
    them are once more, romanised. `classes` is by place in `texts`."""
    dice = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    parts: list[dict[str, Any]] = []
    for above, layer in enumerate(reversed(network.layers[network.fixed :])):
        slower = recipe.fading**above
        units = [*layer.into.parameters(), *layer.out.parameters(), layer.into_bias]
        known = {id(one) for one in units}
        parts.append({"params": units, "lr": recipe.pace * slower})
        parts.append(
            {
                "params": [one for one in layer.parameters() if one.requires_grad and id(one) not in known],
                "lr": recipe.norm_pace * slower,
            }
        )
    parts.append({"params": list(head.parameters()), "lr": recipe.head_pace, "weight_decay": recipe.decay})
    steps = torch.optim.AdamW(parts, weight_decay=0.0, fused=True, betas=(0.9, 0.98))
    expected = recipe.rounds * sum(1 for _ in batches(texts.lengths[which], recipe.rows, 4096))
    warm = max(1, int(recipe.warming * expected))
    pace = torch.optim.lr_scheduler.LambdaLR(
        steps, lambda done: min((done + 1) / warm, max(0.0, (expected - done) / (expected - warm)))
    )
    wanted = torch.from_numpy(classes)
    started, done, losses = time.monotonic(), 0, []
    for number in range(recipe.rounds):
        network.train()
        now = np.array([copies[at] if at in copies and dice.random() < recipe.swapped else at for at in which.tolist()])
        for part in batches(texts.lengths[now], recipe.rows, 4096, dice):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                vectors = network.upper(*texts.filled(now[part]))
            scores = head(f.dropout(vectors.float() - head.mean, recipe.head_dropout) + head.mean)
            loss = f.cross_entropy(scores, wanted[which[part]], label_smoothing=recipe.smoothing)
            steps.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            steps.step()
            pace.step()
            done += 1
            losses.append(float(loss.detach()))
            if done % 50 == 0:
                left = (time.monotonic() - started) / done * (expected - done)
                tell(
                    f"round {number + 1}: {done} of {expected} steps, loss {np.mean(losses[-50:]):.3f}, {left / 60:.0f} min left"
                )
        if after:
            after(number)
