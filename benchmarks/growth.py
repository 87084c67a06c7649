"""The same town texts 1, 2 and 4 dialogue processes: messages a second, and what a message costs each part.

    python -m benchmarks.growth --home .cache --rasa 1,2,4 --seconds 60

Where there are fewer cores than processes, the rate cannot grow; the processor time a message then shows whether it would.
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.service import service
from bot import training


def main() -> None:
    """Run each and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".cache"), help="folder with a trained model")
    parser.add_argument("--rasa", default="1,2,4")
    parser.add_argument("--web", default="1")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    model = training.ensure_model(options.home)
    print(f"{os.cpu_count()} cores, {options.clients} at a time for {options.seconds:.0f} s each")
    print(
        f"{'rasa':>5}{'web':>5}{'messages/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms: rasa':>14}{'web':>7}{'worker':>8}{'MB':>7}"
    )
    for processes in options.rasa.split(","):
        more = {"CARELINE_RASA_WORKERS": processes, "CARELINE_WEB_WORKERS": options.web}
        with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home", model, more) as running:
            before = running.cpu()
            found = running.load("--clients", str(options.clients), "--seconds", str(options.seconds), "--warm", "5")
            count = found["messages"] * (1 + 5 / options.seconds)  # those of the warm-up cost as much
            each = {part: (used - before[part]) * 1000 / count for part, used in running.cpu().items()}
            row = f"{processes:>5}{options.web:>5}{found['rate']:12.1f}{found['p50']:9.0f}{found['p95']:9.0f}"
            print(f"{row}{each['rasa']:14.1f}{each['web']:7.1f}{each['worker']:8.1f}{running.memory():7.0f}", flush=True)
            if found["failed"] or found["later"]:
                print(f"      failed {found['failed']}, answered later {found['later']}")


if __name__ == "__main__":
    main()
