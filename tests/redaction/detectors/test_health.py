"""Health data is found where it is somebody's; medicine, offices and disclaimers are let be. Label: hipaa."""

from __future__ import annotations

import pytest

from redaction.detectors.health import health_data
from redaction.normalise import fold_text

SOMEBODY = [
    "Mr. Smith was diagnosed with diabetes in May.",
    "Patient: Jane Doe, DOB: 12/03/1980. Diagnosis: J45.0 asthma",
    "Patient name: Jane Doe\n\nDate of birth: 12.03.1980\n\nDiagnosis: asthma",
    "Date of Birth: March 3, 1980\nMedications: lisinopril 10 mg daily",
    "MRN 00482913: prescribed metformin 500 mg twice daily",
    "The patient (insurance number 123456789) takes insulin.",
    "Ms. Lee has been on chemotherapy since June.",
    "Mrs Jones is pregnant.",
    "Mr. Kim is unfit for work until the end of the month.",
    "Employee: Tom Baker. Reason of absence: surgery for a melanoma",
    "Jane Doe was diagnosed with breast cancer.",
    "Jane M. Doe, 42, suffers from chronic migraines.",
    "Name: Eva Klein\nICD-10: F32.1",
    "SSN 123-45-6789, allergies: penicillin",
    "Write to jane@home.example: I was diagnosed with epilepsy and need medication.",
    "Call +44 20 7946 0018: she has hepatitis and takes medication.",
    "Frau Müller ist an Depressionen erkrankt.",
    "Herr Schmidt leidet unter Bluthochdruck und nimmt Ramipril.",
    "Frau Weber ist seit 3. Mai arbeitsunfähig.",
    "Versichertennummer: A123456789, Diagnose: F32.1",
    "geb. am 03.04.1975, Diagnose: Hepatitis B",
    "Name: Eva Klein\nKrankenkasse: AOK\nBefund: Tumor",
    "Frau Dr. Kern, Schwerbehindertenausweis, GdB 50",
]
NOBODY = [
    # medicine without a person
    "Diabetes is a chronic disease. Patients take insulin, 500 mg daily.",
    "Patients with hypertension were treated with lisinopril 10 mg daily.",
    "Dr. House explained the symptoms of asthma.",
    "ICD-10 is a classification of diseases.",
    "In 2019, 12 of 480 patients (95% CI 0.1-0.4) had a myocardial infarction.",
    "Migräne ist eine häufige Erkrankung.",
    # a person without medicine
    "Date of birth: 12/03/1980, name: Jane Doe",
    "Mr. Smith, jane@home.example, +44 20 7946 0018",
    "Insurance number 123456789",
    # offices and benefits
    "For the diabetes program contact wellness@corp.example.",
    "Health insurance: Mr. Brown, HR, phone 030 1234567",
    "Employees on sick leave call their manager, tel 030 1234567.",
    "Ms. Smith leads the diabetes programme.",
    "Mr. Biden signed the act on patient rights.",
    "The patient portal is at https://portal.example.",
    "Medical leave is asked for with form 12; questions to hr@corp.example.",
    # machines
    "Diagnosis: the cache was full. Contact ops@corp.example",
    "Ms. Lee diagnosed the outage.",
    "The period prescribed by section 12; write to court@law.example.",
    "Mr. Kim's team suffers from a lack of staff.",
    "",
]


@pytest.mark.parametrize("text", SOMEBODY)
def test_what_somebody_has_is_found(text: str) -> None:
    assert health_data(fold_text(text)) == 1


@pytest.mark.parametrize("text", NOBODY)
def test_what_nobody_has_is_let_be(text: str) -> None:
    assert health_data(fold_text(text)) == 0


def test_person_and_illness_in_different_paragraphs_belong_together_in_a_form_alone() -> None:
    prose = (
        "This sentence is here to make a paragraph of ordinary length, as people write them in a report or a letter."
    )
    form = "Name: Jane Doe\n\nDate of birth: 12.03.1980\n\nDiagnosis: asthma"
    apart = f"Ms. Lee opened the meeting. {prose}\n\n{prose} The talk was about a man who has diabetes, far away."
    assert health_data(form) == 1
    assert health_data(apart) == 0
    assert health_data(apart.replace("\n\n", " ")) == 1


def test_each_passage_counts_and_a_hundred_are_enough() -> None:
    one = f"Mr. Smith was diagnosed with diabetes in May. {'The doctor of the company has seen him since. ' * 2}"
    assert health_data("\n\n".join([one] * 3)) == 3
    assert health_data("\n\n".join([one] * 300)) == 100


def test_a_long_paragraph_is_looked_through_to_its_end() -> None:
    filler = "The weather was fine on that day, too. " * 300
    assert health_data(f"{filler}Mr. Smith was diagnosed with diabetes.{filler}") >= 1
