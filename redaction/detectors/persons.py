"""What says in a passage whose it is: a number or a birthday that is one person's own, a name, an address."""

from __future__ import annotations

from typing import Final

import re2

from redaction.emails import emails
from redaction.phones import phones

_MONTH: Final = r"(?:jan|feb|mar|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*"
_DATE: Final = (
    r"(?:\d{1,2}[./-] ?\d{1,2}[./-] ?(?:\d\d){1,2}|\d{4}-\d\d-\d\d"
    rf"|\d{{1,2}}\.? ?{_MONTH}\.?,? \d{{4}}|{_MONTH}\.? \d{{1,2}},? \d{{4}})"
)
_WHOSE: Final = (
    r"(?:patient(?:en)?|fall|aufnahme|mrn|medical record|chart|insurance|member|subscriber|medicare|medicaid|nhs|kv|sv"
    r"|versicherten|(?:kranken|sozial|renten)?versicherungs|krankenversicherten)"
)
_OWN: Final = re2.compile(
    r"(?i)\b(?:(?:date of|birth) ?(?:birth|date)|d\.?o\.?b\.?|born(?: on)?|geburtsdatum|geb\.?(?: am)?|geboren(?: am)?)"
    rf"[ :.;-]{{0,4}}{_DATE}"
    rf"|\b{_WHOSE}[ -]?(?:id|no\.?|nr\.?|num(?:ber|mer))[ :.#;-]{{0,4}}[a-z]{{0,4}}[ -]?\d[\d -]{{4,}}"
    r"|\bmrn[ :.#-]{0,3}\d{5,}|\bkvnr[ :.-]{0,3}[a-z]\d{9}"
    r"|\b(?:ssn|social security(?: (?:no\.?|number))?)[ :.#-]{0,4}\d{3}-?\d\d-?\d{4}"
    r"|\b(?:00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])-\d\d-\d{4}\b"
)
_NAMED: Final = re2.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx)\.? [A-Z][a-z]+|\b(?:Herrn?|Frau) (?:(?:Dr|Prof)\. )*[A-Z][a-z]+"
    r"|(?i:\b(?:patient(?:in)?(?:'s)?(?: name)?|name|employee|mitarbeiter(?:in)?|versicherte[rn]?|beschaftigte[rn]?))"
    r" ?: ?[A-Z][a-z'-]+,? [A-Z]"
    r"|\b[A-Z][a-z'-]+ (?:[A-Z]\. )?[A-Z][a-z'-]+(?:,? \(?(?:aged )?\d{1,3}\)?,?)? (?i:"
    r"(?:was|has been|is|had been) (?:diagnosed with|prescribed|treated for|unfit)|suffers from|tested positive"
    r"|leidet (?:an|unter)|erkrankte an|(?:ist|war) (?:an [a-z]+ erkrankt|arbeitsunfahig|krankgeschrieben))"
)


def has_own_number(passage: str) -> bool:
    """Tell whether a folded passage has a birthday, or a number of a patient, an insurance or a citizen."""
    return _OWN.search(passage) is not None


def has_name(passage: str) -> bool:
    """Tell whether somebody is named: with a title, in a form, or as one of whom something is said."""
    return _NAMED.search(passage) is not None


def has_contact(passage: str) -> bool:
    """Tell whether there is a mail address or a phone number; figures in a row alone are no number to call."""
    is_called = any(passage[start:end].lstrip("(")[0] in "+0" for start, end, _ in phones(passage, "GB"))
    return is_called or any(True for _ in emails(passage))
