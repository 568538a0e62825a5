"""Lines that mark a document are found; sentences, headings and lists of classes are let be."""

from __future__ import annotations

import pytest

from redaction.detectors.markings import markings
from redaction.normalise import fold_text

PROSE = "\n".join(f"Sentence {number} of a report that says nothing of itself." for number in range(10))
STRICT = [
    "STRICTLY CONFIDENTIAL",
    "Strictly Confidential",
    "Strictly private and confidential",
    "Strictly Private & Confidential",
    "*** STRICTLY CONFIDENTIAL ***",
    "[Strictly confidential]",
    "Highly Confidential - do not distribute",
    "Acme Ltd | Strictly Confidential | Page 3",
    "TOP SECRET",
    "SECRET",
    "SECRET//NOFORN",
    "TRADE SECRET",
    "Streng vertraulich",
    "STRENG GEHEIM",
    "GEHEIM",
    "VS-NfD",
    "VS \u2013 NUR FÜR DEN DIENSTGEBRAUCH",
    "Nur für den Dienstgebrauch",
    "GESCHÄFTSGEHEIMNIS",
    "Subject: AW: Streng vertraulich",
    "Subject: STRICTLY CONFIDENTIAL - merger",
    "Classification: Strictly Confidential",
    "Classification: Secret",
    "Classification: restricted",
    "Document classification level: Highly confidential",
    "Einstufung: geheim",
    "Klassifizierung: streng vertraulich",
]
PLAIN = [
    "CONFIDENTIAL",
    "\uff23\uff2f\uff2e\uff26\uff29\uff24\uff25\uff2e\uff34\uff29\uff21\uff2c",
    "C\u200bONFIDENTIAL",
    "DRAFT - CONFIDENTIAL",
    "Subject: Re: CONFIDENTIAL - merger",
    "CONFIDENTIAL (see the policy)",
    "PRIVILEGED & CONFIDENTIAL",
    "Confidential \u2013 do not distribute",
    "Confidential. Do not forward.",
    "CONFIDENTIAL: for internal use only",
    "Private and Confidential - not for publication",
    "Vertraulich \u2013 nicht weitergeben",
    "VERTRAULICH",
    "Classification: Confidential",
    "Sensitivity: company confidential",
    "Vertraulichkeitsstufe: vertraulich",
]
AT_AN_EDGE = [
    "Confidential",
    "Company Confidential",
    "Private and Confidential",
    "Acme Inc. | Confidential",
    "\u00a9 2024 Acme Inc. Confidential",
    "Page 2 of 5 | Confidential",
    "Vertraulich",
    "Persönlich / vertraulich",
    "Acme GmbH - Vertraulich - Seite 1 von 3",
]
SENTENCES = [
    "treat confidential data with care",
    "Treat confidential data with care.",
    "This e-mail is confidential and may be privileged.",
    "All information is strictly confidential.",
    "Strictly confidential information is not shared with third parties.",
    "Keep it strictly confidential.",
    "strictly confidential",
    "Confidential information must be encrypted.",
    "5. Confidential Information",
    "Confidentiality",
    "CONFIDENTIALITY AGREEMENT",
    "The answers are confidential: nobody sees them.",
    "Confidential: data whose loss would harm the company or a person.",
    "Name: x; Confidential: yes",
    "Confidential: No",
    "Classification: Public / Internal / Confidential",
    "Data: salaries; Classification: Confidential; Owner: HR",
    "Secret",
    "Secrets",
    "The secret ingredient",
    "Trade Secrets",
    "A trade secret is what gives an advantage.",
    "Subject: how we keep data confidential",
    "Subject: Confidential data of the survey",
    "Strictly confidential (see the policy)",
    "Restricted",
    "Restricted area - do not enter",
    "Clearance up to top secret is needed for some projects, which may be classified as secret.",
    "vertraulich behandeln",
    "Ein vertraulicher Umgang mit Daten",
    "Das ist streng vertraulich.",
    "ein Geheimnis",
]


@pytest.mark.parametrize("line", STRICT)
def test_a_line_that_says_strictly_is_found_wherever_it_stands(line: str) -> None:
    for text in (f"{line}\n{PROSE}", f"{PROSE}\n\n{line}\n\n{PROSE}", line):
        assert markings(fold_text(text)) == (1, 0)


@pytest.mark.parametrize("line", PLAIN)
def test_a_line_that_says_confidential_clearly_is_found_wherever_it_stands(line: str) -> None:
    for text in (f"{line}\n{PROSE}", f"{PROSE}\n\n{line}\n\n{PROSE}", line):
        assert markings(fold_text(text)) == (0, 1)


@pytest.mark.parametrize("line", AT_AN_EDGE)
def test_a_line_that_may_be_a_heading_counts_at_the_edges_and_where_it_is_repeated(line: str) -> None:
    assert markings(fold_text(f"{line}\n\n{PROSE}")) == (0, 1)
    assert markings(fold_text(f"{PROSE}\n\n{line}")) == (0, 1)
    assert markings(fold_text(f"{PROSE}\n\n{line}\n\n{PROSE}")) == (0, 0)
    assert markings(fold_text(f"{PROSE}\n{line}\n{PROSE}\n{line}\n{PROSE}")) == (0, 2)


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence_a_heading_or_a_form_is_let_be(line: str) -> None:
    for text in (line, f"{line}\n{PROSE}", f"{PROSE}\n{line}\n{PROSE}\n{line}\n{PROSE}"):
        assert markings(fold_text(text)) == (0, 0)


def test_a_document_that_lists_the_classes_is_of_none_of_them() -> None:
    classes = ["Public", "Internal", "CONFIDENTIAL", "STRICTLY CONFIDENTIAL"]
    assert markings("\n".join(f"{name}\nWhat that means." for name in classes)) == (0, 0)
    assert markings("\n".join(f"{name}\nWhat that means." for name in classes[1:3])) == (0, 1)


def test_both_kinds_are_counted_apart() -> None:
    assert markings("CONFIDENTIAL\n\nSTRICTLY CONFIDENTIAL\n\nwords") == (1, 1)


def test_a_marking_within_a_long_line_is_let_be() -> None:
    assert markings(f"CONFIDENTIAL {'words ' * 30}") == (0, 0)
