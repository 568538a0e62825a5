"""Each finder by itself: what it finds in whatever form, and what looks like it and is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest
from stdnum import luhn
from stdnum.be import nn
from stdnum.de import idnr
from stdnum.fr import nir
from stdnum.nl import bsn
from stdnum.pl import pesel

from redaction.accounts import bics
from redaction.addresses import addresses
from redaction.amounts import amounts
from redaction.dates import ages, births, dates, durations
from redaction.errors import BadPattern
from redaction.geography import coordinates, plates
from redaction.network import mac_addresses
from redaction.official import official_numbers
from redaction.organisations import organisations
from redaction.references import OwnNumbers, reference_numbers
from redaction.urls import handles, urls

if TYPE_CHECKING:
    from redaction.patterns import Finder


def found(finder: Finder, text: str) -> list[str]:
    """Give what is found in order, without what lies inside of something else that is."""
    spans = sorted({(start, end) for start, end, _ in finder(text)}, key=lambda span: (span[0], -span[1]))
    outer = [span for n, span in enumerate(spans) if not any(span[1] <= other[1] for other in spans[:n])]
    return [text[start:end] for start, end in outer]


def last_digit(valid: object, head: str) -> str:
    """Put a last digit to a number so that its check is right."""
    return next(head + str(digit) for digit in range(10) if valid(head + str(digit)))  # type: ignore[operator]


PESEL: Final = last_digit(pesel.is_valid, "4405140145")
IDNR: Final = last_digit(idnr.is_valid, "8609574271")
BSN: Final = last_digit(bsn.is_valid, "11122233")
SIN: Final = last_digit(luhn.is_valid, "13069254")
NIR: Final = "2 95 10 99 126 111"
NIR_WHOLE: Final = f"{NIR} {nir.calc_check_digits(NIR.replace(' ', '')):>02}"
BELGIAN: Final = next(f"85.07.30-033.{n:02d}" for n in range(98) if nn.is_valid(f"850730033{n:02d}"))

FOUND: Final[list[tuple[Finder, str, list[str]]]] = [
    (
        mac_addresses,
        "at 00:1A:2b:3C:4D:5E, 00-1a-2b-3c-4d-5e; 001a.2b3c.4d5e!",
        ["00:1A:2b:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"],
    ),
    (bics, "BIC: DEUTDEFF500, or swift code COBADEFF", ["DEUTDEFF500", "COBADEFF"]),
    # links and accounts
    (
        urls,
        "see https://wiki.example/a?b=c. And (www.shop.example/x), shop.example/y",
        ["https://wiki.example/a?b=c", "www.shop.example/x", "shop.example/y"],
    ),
    (urls, "ftp://files.example and example.com!", ["ftp://files.example", "example.com"]),
    (
        handles,
        "ask @jane_doe or @jdoe, Skype: jane.doe.7, username = jdoe42",
        ["@jane_doe", "@jdoe", "jane.doe.7", "jdoe42"],
    ),
    # coordinates and plates
    (coordinates, "at 51.50735, -0.12776 or lat: 51.5, lon: -0.12", ["51.50735, -0.12776", "lat: 51.5, lon: -0.12"]),
    (coordinates, "51°30'26\"N 0°7'39\"W; geo:51.5,-0.12", ["51°30'26\"N 0°7'39\"W", "geo:51.5,-0.12"]),
    (plates, "a car, AB12 CDE, and AB12CDE", ["AB12 CDE", "AB12CDE"]),
    (plates, "Kennzeichen B-MW 1234, licence plate 7ABC123", ["B-MW 1234", "7ABC123"]),
    # official numbers
    (official_numbers, "SSN 219-09-9999, and 219-09-9998", ["219-09-9999", "219-09-9998"]),
    (official_numbers, "social security number is 219099999", ["219099999"]),
    (official_numbers, f"PESEL {PESEL}; Steuer-ID: {IDNR}", [PESEL, IDNR]),
    (official_numbers, f"his bsn is {BSN}", [BSN]),
    (official_numbers, f"NIR {NIR_WHOLE}", [NIR_WHOLE]),
    (official_numbers, f"{NIR_WHOLE} and {BELGIAN}", [NIR_WHOLE, BELGIAN]),
    (official_numbers, f"SIN {SIN[:3]}-{SIN[3:6]}-{SIN[6:]}", [f"{SIN[:3]}-{SIN[3:6]}-{SIN[6:]}"]),
    (official_numbers, "QQ 12 34 56 C is none, AB 12 34 56 C is", ["AB 12 34 56 C"]),
    (official_numbers, "Passport no. C01X00T47, driver's license number is LH329609T", ["C01X00T47", "LH329609T"]),
    (official_numbers, "passport number: 123456789, Fuhrerschein B072RRE2I55", ["123456789", "B072RRE2I55"]),
    (official_numbers, "DNI 12345678Z, NIE X1234567L", ["12345678Z", "X1234567L"]),
    (official_numbers, "codice fiscale RSSMRA85T10A562S", ["RSSMRA85T10A562S"]),
    # references
    (reference_numbers, "application no. 18403/91, nos. 1996/302 and 1996/303", ["18403/91", "1996/302 and 1996/303"]),
    (reference_numbers, "Employee ID: E-40213, emp_id 0431; customer number 4711-22", ["E-40213", "0431", "4711-22"]),
    (reference_numbers, "your case number is C-2024/117", ["C-2024/117"]),
    # dates
    (births, "born on 3 May 1980, date of birth: 1980-05-03", ["3 May 1980", "1980-05-03"]),
    (births, "She was born in 1944. DOB 03/05/80", ["1944", "03/05/80"]),
    (dates, "On 3 May 2024, May 3rd, 2024 or 2024-05-03T10:30", ["3 May 2024, May 3rd, 2024 or 2024-05-03T10:30"]),
    (
        dates,
        "from 1 May to 3 June 2024; in March 1999. Mondays",
        ["from 1 May to 3 June 2024", "March 1999", "Mondays"],
    ),
    (dates, "on 25 April and 17 September 2004 it", ["25 April and 17 September 2004"]),
    (dates, "since 1979, in the 1990s", ["1979", "1990s"]),
    (ages, "a 50 year old man, aged 35; she is 41 years old", ["50 year old", "aged 35", "41 years old"]),
    (durations, "for ten years and 3 months", ["ten years", "3 months"]),
    (
        amounts,
        "EUR 4,000, $1.5 million, 588 German marks, 12 %",
        ["EUR 4,000", "$1.5 million", "588 German marks", "12 %"],
    ),
    # addresses
    (addresses, "Come to 12 High Street, Oxbridge, OX1 2AB, please", ["12 High Street, Oxbridge, OX1 2AB"]),
    (addresses, "Jane\n221B Baker Street\nLondon\nNW1 6XE\n\nDear", ["221B Baker Street\nLondon\nNW1 6XE"]),
    (
        addresses,
        "Send it to 742 Evergreen Terrace, Springfield, OR 97403.",
        ["742 Evergreen Terrace, Springfield, OR 97403"],
    ),
    (addresses, "Hauptstrasse 12, 10115 Berlin is near", ["Hauptstrasse 12, 10115 Berlin"]),
    (addresses, "5 rue de la Paix, 75002 Paris", ["5 rue de la Paix, 75002 Paris"]),
    (addresses, "Via Roma 12\n00184 Roma", ["Via Roma 12\n00184 Roma"]),
    (addresses, "P.O. Box 123, Apt. 4B", ["P.O. Box 123, Apt. 4B"]),
    (addresses, "My zip code is 04169", ["04169"]),
    (addresses, "she lives at 7 Elm Rise 3, Suite 12", ["7 Elm Rise 3, Suite 12"]),
    # organisations
    (organisations, "for Thorn & Roe Ltd. and Selkie GmbH", ["Thorn & Roe Ltd.", "Selkie GmbH"]),
    (
        organisations,
        "University of Oxbridge and Oxbridge General Hospital",
        ["University of Oxbridge", "Oxbridge General Hospital"],
    ),
]

NOT_FOUND: Final[list[tuple[Finder, str]]] = [
    (mac_addresses, "12:30:45 and 00:1A:2B:3C and 00:1A:2B:3C:4D:5E:6F"),
    (bics, "CUSTOMER and DEUTDEFF without a word; a swift ABCDXXEF"),
    (urls, "e.g. this. Or a.b and 3.5/4"),
    (handles, "@everyone: jane@mail.example, @here"),
    (coordinates, "1.5, 2.5 and 3.14159265, a lat machiato"),
    (plates, "TG-4, ISO 9001, hall B 12, MS 2024"),
    (official_numbers, "12 345 678, 2024-05-03, 10.12.2024, ISBN 978-3-16-148410-0, 1,234,567"),
    (official_numbers, f"number {PESEL} and {BSN} and {SIN[:3]} {SIN[3:6]} {SIN[6:]}"),
    (official_numbers, "Apache License 2.0, tax of 12000 pounds, insurance"),
    (reference_numbers, "Protocol No. 11, Rule 59, Law no. 657, and/or 3/4 of all cases"),
    (births, "On 3 May 1980 he left."),
    (dates, "may 5 people march? It may. v3.11.2, 12.5, 1/2"),
    (ages, "on page 35, 50 years"),
    (amounts, "50 pages, 12 EURO-pallets, $x"),
    (addresses, "On 14 August 1997 the Regional Court met. 1 of the Rules of Court. Officer, 5 offices."),
    (addresses, "a private system via the 1985 route, rooms 101 to 110"),
    (organisations, "The bank, Group, an AG, and university"),
]


@pytest.mark.parametrize(("finder", "text", "expected"), FOUND)
def test_a_finder_finds_each_form(finder: Finder, text: str, expected: list[str]) -> None:
    """PT-03."""
    assert found(finder, text) == expected


@pytest.mark.parametrize(("finder", "text"), NOT_FOUND)
def test_a_finder_leaves_alone_what_only_looks_like_it(finder: Finder, text: str) -> None:
    assert found(finder, text) == []


@pytest.mark.parametrize(
    ("finder", "forms"),
    [
        (mac_addresses, ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"]),
        (dates, ["3 May 2024", "May 3, 2024", "2024-05-03", "3rd of May 2024", "2024/5/3"]),
        (official_numbers, ["SSN 219-09-9999", "ssn 219 09 9999"]),
        (amounts, ["EUR 4,000", "EUR4,000", "eur 4,000".upper()]),
        (handles, ["@JDoe", "@jdoe"]),
    ],
)
def test_a_value_is_the_same_in_all_its_forms(finder: Finder, forms: list[str]) -> None:
    assert len({value for form in forms for _, _, value in finder(form)}) == 1


def test_numbers_of_the_organisations_own_form_are_found() -> None:
    own = OwnNumbers([r"\bemp_\d{4}\b", r"(?i)\btick-\d+"])
    assert found(own, "emp_0431 opened TICK-17, not emp_17") == ["emp_0431", "TICK-17"]
    assert found(OwnNumbers([]), "emp_0431") == []


@pytest.mark.parametrize("pattern", ["(", "a*", "", r"(?=x)"])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        OwnNumbers([r"\d+", pattern])


def test_a_pattern_made_to_be_slow_is_not() -> None:
    begin = time.process_time()
    assert found(OwnNumbers(["(a+)+b"]), "a" * 100_000) == []
    assert time.process_time() - begin < 1


FINDERS: Final = (
    *(mac_addresses, bics, urls, handles, coordinates, plates, official_numbers, reference_numbers, births, dates),
    *(ages, durations, amounts, addresses, organisations),
)


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "A",
            "1",
            " ",
            "\n",
            ".",
            ",",
            "-",
            "/",
            ":",
            "@",
            "1 ",
            "A ",
            "A.",
            "1/",
            "1-",
            "A1 ",
            "Aa ",
            "Aa, ",
            "1\n",
        ),
        *(
            "12 High Street, ",
            "12 Aa ",
            "no. 1/2, ",
            "1 May ",
            "born ",
            "plate A1 ",
            "case no. 1 ",
            "suite 1\n",
            "in 1 Aa 1 ",
        ),
        *("a.b", "www.", "http://", "EUR 1", "1 Aa Bb ", "Aa & ", "University of ", "51.50735, ", "tax no 1 ", "°1'"),
    ],
)
def test_a_finder_takes_linear_time(finder: Finder, piece: str) -> None:
    """PT-02: 50,000 characters made to be slow; what is quadratic takes minutes."""
    text = (piece * 50_000)[:50_000]
    begin = time.process_time()
    list(finder(text))
    assert time.process_time() - begin < 2.5
