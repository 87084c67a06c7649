"""How often a line that serves some of our languages notices one of the others, and takes one that it serves for another.

    python -m benchmarks.unserved [--served en,pt,ne] [--utterances 3000]

Reads utterances of data/nlu, drawn by chance. Those said to be taken for another are printed, to be read: many mix languages
("Hay otro más cerca?" stands among the English ones), so that only a reader can say which of them are mistakes.
"""

import argparse
import random
from collections import Counter

from bot import foreign
from bot.nlu.utterances import read_utterances
from bot.training import ROOT


def main() -> None:
    """Print the shares noticed, and every utterance in a language served that was taken for another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--served", default="en,pt,ne")
    parser.add_argument("--utterances", type=int, default=3000)
    parser.add_argument("--first", action="store_true", help="as the first message of a conversation")
    told = parser.parse_args()
    served = tuple(told.served.split(","))
    utterances = random.Random(1).sample(list(read_utterances(ROOT / "data" / "nlu")), told.utterances)
    noticed: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    for one in utterances:
        found = foreign.written(one.text, served, told.first)
        all_of[one.language] += 1
        if found is not None and one.language in served:
            print(f"{one.language} taken for {found.code}: {one.text}")
        noticed[one.language] += found is not None
    for language, count in sorted(all_of.items()):
        if language not in served:
            print(f"{language}: {noticed[language] / count:.0%} of {count} noticed")


if __name__ == "__main__":
    main()
