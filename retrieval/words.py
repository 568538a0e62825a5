"""Words, and those among them that carry no topic, in English, German, French and Spanish."""

from __future__ import annotations

import re
from typing import Final

WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
EMPTY: Final = re.compile(
    r"an?|the|and|or|of|in|on|at|to|for|from|by|with|as|is|are|was|were|be|been|it|its|this|that|these|those|there"
    r"|i|we|you|he|she|they|my|our|your|his|her|their|me|us|them|do|does|did|has|have|had|can|could|may|might|must"
    r"|shall|should|will|would|what|which|when|where|who|whom|whose|why|how|much|many|not|no|if|than|then|so|about"
    r"|der|die|das|den|dem|des|eine?[nmrs]?|und|oder|ist|sind|wird|werden|für|mit|von|vom|zum?|zur|im|am|auf|aus|bei"
    r"|nach|wie|viele?|wer|wen|wem|wann|wo|warum|welche[rs]?|kann|darf|muss|ich|wir|sie|es|man|nicht"
    r"|le|la|les|une?|du|de|et|ou|est|sont|que|qui|quoi|dans|pour|avec|sur|pas|el|los|las|una|y|o|son|para|con|por"
)
