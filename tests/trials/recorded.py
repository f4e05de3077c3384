"""Judge a session and keep its transcript: `python -m tests.trials.recorded SESSION [--keep]`."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import anyio

from tests.trials.judge import verdict
from tests.trials.play import session_folder
from tests.trials.transcripts import RECORDED, played_again, read, task_of


def main(words: list[str] | None = None) -> int:
    """Say whether a session passed as it was played and as it is played again; 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials.recorded", description=__doc__)
    parser.add_argument("session")
    parser.add_argument("--keep", action="store_true", help="put it under transcripts/")
    given = parser.parse_args(words)
    folder = session_folder(given.session)
    transcript, judged = folder / "transcript.jsonl", folder / "verdict"
    if not judged.exists():
        print("the trial has not ended", file=sys.stderr)
        return 1
    reasons = [f"then: {one}" for one in judged.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as home:
        played = anyio.run(played_again, read(transcript), Path(home))
    reasons += [f"again: {one}" for one in verdict(played)]
    print("\n".join(reasons) or f"passed, {played.tokens} tokens in {len(played.of('call'))} calls")
    if given.keep and not reasons:
        shutil.copy(transcript, RECORDED / f"{task_of(transcript).name}.jsonl")
    return int(bool(reasons))


if __name__ == "__main__":
    sys.exit(main())
