"""What can go wrong on the way to the snippets.

RetrievalError
├── IndexDown           the index does not answer, or cannot be opened
├── EmbedderDown        the embedding model is missing, changed, or gives no usable vectors
└── EmbedderMismatch    the index holds vectors of another model
"""

from __future__ import annotations


class RetrievalError(Exception):
    """Nothing can be searched."""


class IndexDown(RetrievalError):
    """The index does not answer, or cannot be opened."""


class EmbedderDown(RetrievalError):
    """The embedding model is missing, changed, or gives no usable vectors."""


class EmbedderMismatch(RetrievalError):
    """The index holds vectors of another model."""
