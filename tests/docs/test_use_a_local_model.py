from __future__ import annotations

import re
import shlex
from datetime import date

from egress.contract.forms import read_yaml
from egress.contract.provider import Kind, Provider, terms_of
from egress.openai_client import checked_url
from store.reference import parse
from tests.docs.blocks import ROOT, blocks

PAGE = (ROOT / "docs/how-to/use-a-local-model.md").read_text("utf-8")


def records() -> list[Provider]:
    return [read_yaml(Provider, block.text, "page") for block in blocks(PAGE) if block.language == "yaml"]


def test_every_record_of_the_page_is_one_that_may_be_used() -> None:
    found = records()
    assert [record.name for record in found] == ["vllm", "ollama", "llama"]
    for record in found:
        assert record.kind is Kind.LOCAL
        assert checked_url(record.base_url).host in record.hosts
        assert terms_of(record, 1, date(2030, 1, 1)).active
        assert not record.key or parse(record.key).scheme == "file"


def test_each_server_listens_where_its_record_says_and_has_its_model() -> None:
    shells = [block.text for block in blocks(PAGE) if block.language == "sh"]
    for shell, record in zip(shells, records(), strict=False):
        words = shlex.split(shell.replace("\\\n", " "))
        url = checked_url(record.base_url)
        assert re.search(rf"{re.escape(url.host)}(:| --port ){url.port}\b", " ".join(words))
        assert record.models[0].name in words
