"""Memory while a town texts for an hour: the last five minutes beside the first five, and a plot.

    python -m benchmarks.soak --home .cache --rate 5 --minutes 60

The memory is the proportional set size of all processes, read every ten seconds. The plot goes to docs/soak.svg.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.service import TOKEN, service
from bot import training

PLOT = training.ROOT / "docs" / "soak.svg"
#: Minutes compared at both ends.
ENDS = 5


def main() -> None:
    """Run it, print the comparison, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".cache"), help="folder with a trained model")
    parser.add_argument("--rate", type=float, default=5, help="messages a second")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=10, help="seconds between two readings")
    options = parser.parse_args()
    model = training.ensure_model(options.home)
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home", model) as running:
        command = [sys.executable, "-m", "benchmarks.load", "--address", running.address, "--token", TOKEN, "--people", "2000"]
        command += ["--rate", str(options.rate), "--seconds", str(options.minutes * 60)]
        town = subprocess.Popen(command, cwd=training.ROOT, stdout=subprocess.PIPE, text=True)
        started = time.monotonic()
        read: list[tuple[float, float]] = []
        while town.poll() is None:
            read.append(((time.monotonic() - started) / 60, running.memory()))
            print(f"{read[-1][0]:6.1f} min {read[-1][1]:7.0f} MB", file=sys.stderr, flush=True)
            time.sleep(options.every)
        said = town.stdout.read() if town.stdout else ""
    first = statistics.median(megabytes for minute, megabytes in read if minute <= ENDS)
    last = statistics.median(megabytes for minute, megabytes in read if minute >= read[-1][0] - ENDS)
    print(f"{os.cpu_count()} cores; {said.strip()}")
    print(f"memory: first {ENDS} minutes {first:.0f} MB, last {ENDS} {last:.0f} MB, {100 * (last / first - 1):+.1f} %")
    for minute in range(0, round(options.minutes) + 1, 5):
        near = [megabytes for at, megabytes in read if abs(at - minute) <= 0.5]
        if near:
            print(f"  minute {minute:3}: {statistics.median(near):.0f} MB")
    draw(read)


def draw(read: list[tuple[float, float]]) -> None:
    """Memory over minutes, from nothing up."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    _, axis = pyplot.subplots(figsize=(7, 3.2))
    axis.plot([minute for minute, _ in read], [megabytes for _, megabytes in read])
    axis.set(title="Memory of all processes", xlabel="minutes", ylabel="MB")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    pyplot.tight_layout()
    pyplot.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    main()
