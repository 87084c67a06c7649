"""The encoder's network in PyTorch, with more inner units in each layer: these are what learns.

The steps of a 4-bit matrix are too coarse for the small changes tuning makes: rounded, they would be gone. New units have
matrices of their own, whose steps are as fine as they need. Biases and norms, which are kept in full, learn as well.
"""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from bot.nlu.weights import BLOCK, Floats, Layout, blocks, pack, unpack

_MATRICES: Final = ("q", "k", "v", "ao", "fi", "fo")
_NORMS: Final = ("aln", "oln")


class Fixed(nn.Module):
    """A linear map whose matrix stays as it is; only its bias learns."""

    def __init__(self, matrix: Floats, bias: Floats) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix.reshape(len(bias), -1)).bfloat16())
        self.bias = nn.Parameter(torch.from_numpy(bias))

    def forward(self, x: Tensor) -> Tensor:
        """The map."""
        return f.linear(x, self.matrix, self.bias)


class Packed(nn.Module):
    """A matrix that learns and is, going forward, what 4 bits can hold of it; going back nothing is rounded
    ("straight through")."""

    def __init__(self, rows: int, columns: int, spread: float) -> None:
        super().__init__()
        self.fine = nn.Parameter(torch.randn(rows, columns) * spread)

    def forward(self) -> Tensor:
        """The matrix, shape (rows, columns)."""
        with torch.no_grad():
            steps, scale = self.steps()
            off = (steps * scale).view_as(self.fine) - self.fine
        return self.fine + off

    def steps(self) -> tuple[Tensor, Tensor]:
        """Steps from -8 to 7, shape (blocks, 32), and the blocks' scales (blocks, 1): the number farthest from 0 is step -8."""
        parts = self.fine.detach().view(-1, BLOCK)
        farthest = parts.gather(1, parts.abs().argmax(1, keepdim=True))
        scale = (farthest / -8).half().float()
        safe = torch.where(scale == 0, torch.ones_like(scale), scale)
        return torch.round(parts / safe).clamp_(-8, 7), scale


class Layer(nn.Module):
    """One layer: attention, then the two inner maps.

    Beside the inner units that stay, `units` new ones learn; with none, nothing does.
    """

    def __init__(self, data: bytes, layout: Layout, number: int, units: int) -> None:
        super().__init__()
        self.heads = layout.heads

        def tensor(name: str) -> Floats:
            return unpack(data, layout.tensors[f"l{number}.{name}"])

        self.maps = nn.ModuleDict({name: Fixed(tensor(f"{name}.w"), tensor(f"{name}.b")) for name in _MATRICES})
        self.norms = nn.ModuleDict()
        for name in _NORMS:
            norm = nn.LayerNorm(layout.width, eps=layout.eps)
            norm.weight.data, norm.bias.data = torch.from_numpy(tensor(f"{name}.w")), torch.from_numpy(tensor(f"{name}.b"))
            self.norms[name] = norm
        self.units = units
        if not units:
            self.requires_grad_(False)
            return
        self.into = Packed(units, layout.width, layout.width**-0.5)
        self.into_bias = nn.Parameter(torch.zeros(units))
        # Next to nothing at first: tuning begins with the network as it was.
        self.out = Packed(layout.width, units, 1e-3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x is (texts, pieces, width), mask (texts, 1, 1, pieces), true where there is a piece."""
        rows, length, width = x.shape

        def split(name: str) -> Tensor:
            return self.maps[name](x).view(rows, length, self.heads, -1).transpose(1, 2)

        # By hand: PyTorch's own attention takes several times as long going back over texts as short as these.
        near = (split("q") @ split("k").transpose(-1, -2)).float() * (width // self.heads) ** -0.5
        seen = near.masked_fill(~mask, -1e30).softmax(-1).to(x.dtype) @ split("v")
        x = self.norms["aln"](x + self.maps["ao"](seen.transpose(1, 2).reshape(rows, length, width)))
        inner = self.maps["fo"](f.gelu(self.maps["fi"](x)))
        if self.units:
            inner = inner + f.linear(f.gelu(f.linear(x, self.into(), self.into_bias)), self.out())
        return self.norms["oln"](x + inner)


class Network(nn.Module):
    """The whole: piece numbers to vectors of unit length. The table of pieces and positions is never tuned."""

    def __init__(self, data: bytes, layout: Layout, fixed: int = 6, units: int = 256) -> None:
        super().__init__()
        self.fixed = fixed
        word = layout.tensors["emb.word"]
        steps, scale = blocks(data[word.start : word.start + word.size])
        self._steps, self._scale, self._width = steps, scale, layout.width
        self.register_buffer("place", torch.from_numpy(unpack(data, layout.tensors["emb.pos"]).reshape(-1, layout.width)))
        self.register_buffer("kind", torch.from_numpy(unpack(data, layout.tensors["emb.type"])[: layout.width]))
        self.register_buffer("norm", torch.from_numpy(unpack(data, layout.tensors["emb.ln.w"])))
        self.register_buffer("shift", torch.from_numpy(unpack(data, layout.tensors["emb.ln.b"])))
        self.eps = layout.eps
        self.layers = nn.ModuleList(
            Layer(data, layout, number, units if number >= fixed else 0) for number in range(layout.layers)
        )

    def begin(self, pieces: Any) -> Tensor:
        """What goes into the first layer, for piece numbers of shape (texts, pieces)."""
        per = self._width // BLOCK
        rows = (pieces.reshape(-1, 1) * per + np.arange(per)).ravel()
        found = (self._steps[rows].astype(np.float32) - 8) * self._scale[rows][:, None]
        x = torch.from_numpy(found.reshape(*pieces.shape, self._width)) + self.place[: pieces.shape[1]] + self.kind
        return f.layer_norm(x, (self._width,), self.norm, self.shift, self.eps)

    def lower(self, pieces: Any, there: Tensor) -> Tensor:
        """What comes out of the layers that do not learn, for piece numbers of shape (texts, pieces)."""
        x = self.begin(pieces)
        for layer in self.layers[: self.fixed]:
            x = layer(x, there[:, None, None, :])
        return x

    def upper(self, x: Tensor, there: Tensor) -> Tensor:
        """Vectors of unit length, shape (texts, width), from what the lower layers made."""
        for layer in self.layers[self.fixed :]:
            x = layer(x, there[:, None, None, :])
        x = x.float() * there[:, :, None]
        return f.normalize(x.sum(1) / there.sum(1, keepdim=True), dim=1)

    def tensors(self) -> dict[str, bytes]:
        """What has been learned, as `bot.nlu.tuned.Tuned` has it."""
        found: dict[str, bytes] = {}
        for number, layer in list(enumerate(self.layers))[self.fixed :]:
            floats = {f"{name}.b": layer.maps[name].bias for name in _MATRICES}
            floats["fi.b"] = torch.cat([floats["fi.b"], layer.into_bias])
            floats |= {f"{name}.w": layer.norms[name].weight for name in _NORMS}
            floats |= {f"{name}.b": layer.norms[name].bias for name in _NORMS}
            found |= {f"l{number}.{name}": value.detach().numpy().tobytes() for name, value in floats.items()}
            for name, packed in (("fi.w", layer.into), ("fo.w", layer.out)):
                steps, scale = packed.steps()
                found[f"l{number}.{name}"] = pack((steps + 8).numpy().astype(np.uint8), scale[:, 0].numpy())
        return found
