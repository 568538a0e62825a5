"""The injection score: how much of published attacks it notices, and how often it is wrong. A signal, no barrier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.figures import Figure
from egress.injection import SUSPICIOUS, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def figures(*, quick: bool, data: Path) -> Iterator[Figure]:  # noqa: ARG001  a second is quick enough
    """Measure the share of each set that is worth a look."""
    folder = data / "injection"
    if not folder.is_dir():
        yield Figure("I1", "injected orders noticed, share", None, note=f"{folder} is not there")
        return
    goals = json.loads((folder / "bipia_text_attack_train.json").read_text("utf-8"))
    dojo = json.loads((folder / "agentdojo_texts.json").read_text("utf-8"))
    mails = (folder / "bipia_email_train.jsonl").read_text("utf-8").splitlines()
    squad = json.loads((data / "xquad/xquad.en.json").read_text("utf-8"))["data"]
    attacks = {
        "announced orders (TaskTracker)": (folder / "tasktracker_triggers.txt").read_text("utf-8").splitlines(),
        "orders in plain words (BIPIA)": [goal for listed in goals.values() for goal in listed],
        "goals of attackers (AgentDojo)": [row["text"] for row in dojo if row["kind"] == "injection_goal"],
    }
    harmless = {
        "harmless prompts with trigger words": [
            row["prompt"] for row in json.loads((folder / "benign_trigger_words.json").read_text("utf-8"))
        ],
        "mails": [json.loads(line)["context"] for line in mails],
        "paragraphs of an encyclopaedia": [one["context"] for article in squad for one in article["paragraphs"]],
        "paragraphs of a handbook": [
            paragraph
            for file in sorted((data / "handbook").rglob("*.md"))
            for paragraph in file.read_text("utf-8").split("\n\n")
        ],
    }
    for name, texts in attacks.items():
        yield Figure("I1", f"noticed: {name}, share", _share(texts), note=f"{len(texts)} texts")
    for name, texts in harmless.items():
        yield Figure("I2", f"false alarms: {name}, share", _share(texts), note=f"{len(texts)} texts")


def _share(texts: Sequence[str]) -> float:
    return sum(score(text) >= SUSPICIOUS for text in texts) / len(texts)
