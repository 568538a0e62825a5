"""`python -m bench NAME`: measure, and print a table or lines of JSON."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, renew_page, table

NAMES = (
    "acl",
    "deciders",
    "demo",
    "embed",
    "excerpts",
    "exfiltration",
    "gateway",
    "ingest",
    "injection",
    "parsing",
    "path",
    "recall",
    "redaction",
    "scifact",
    "search",
    "tokens",
)


def main() -> None:
    """Run one bench."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, both arms in one run.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each figure")
    parser.add_argument("--quick", action="store_true", help="less of it, with a table of its own")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/benchmarks.md")
    given = parser.parse_args()
    figures: list[Figure] = []
    for figure in import_module(f"bench.{given.name}").figures(quick=given.quick, data=given.data):
        figures.append(figure)
        if given.json:
            print(figure.to_json(), flush=True)
    if not given.json:
        print(table(figures))
    if given.write:
        renew_page(f"{given.name}-quick" if given.quick else given.name, figures)


if __name__ == "__main__":
    main()
