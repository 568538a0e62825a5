"""The vocabulary of health, English and German, in folded small letters; parts of regular expressions.

An illness or a medicine is one word; a statement says that somebody has it; a word only belongs to medicine.
"""

from __future__ import annotations

from typing import Final

ILLNESSES: Final = (
    r"diabet(?:es|ic|iker(?:in)?)|asthma|cancer|carcinoma|tumou?rs?|leuka?emia|lymphoma|melanoma|depressive"
    r"|anxiety disorder|bipolar|schizophrenia|ptsd|adhd|autism|epilepsy|hypertension|migraines?|multiple sclerosis"
    r"|parkinson'?s?|alzheimer'?s?|dementia|hepatitis|hiv|tuberculosis|copd|heart failure|heart attack|myocardial"
    r"|arrhythmia|dialysis|cirrhosis|crohn'?s|arthritis|osteoporosis|anorexia|bulimia|alcohol(?:ism| dependen\w+)"
    r"|miscarriage|infertility|pregnan(?:t|cy)|krebs(?:erkrankung)?|karzinom|leukamie|depression(?:en)?|angststorung"
    r"|schizophrenie|epilepsie|bluthochdruck|hypertonie|migrane|demenz|tuberkulose|herzinfarkt|schlaganfall"
    r"|herzinsuffizienz|bandscheibenvorfall|rheuma|arthrose|niereninsuffizienz|dialyse|suchterkrankung"
    r"|alkoholabhangig\w*|schwanger(?:schaft)?|fehlgeburt|burn-?out|metformin|insulin|sertraline?|fluoxetine?"
    r"|(?:es)?citalopram|venlafaxine?|ramipril|lisinopril|amlodipine?|bisoprolol|metoprolol|atorvastatin|simvastatin"
    r"|warfarin|marcumar|apixaban|rivaroxaban|levothyroxine?|l-thyroxin|methotrexate?|prednison\w*|prednisolone?"
    r"|salbutamol|quetiapine?|olanzapine?|risperidone?|tramadol|oxycodone?|morphine?|methylphenidate?|ritalin|tamoxifen"
)
# What leads from a person to an illness in a few words, or to it as the value of a form. "The diabetes programme" has
# neither.
LEADING: Final = (
    r"(?:(?:has|have|had|having|with|of|from|for|takes?|taking|is|was|due to|because of|hat|hatte|wegen|unter|mit|an"
    r"|von|nimmt|ist|war) (?:\w+ ){0,3}?|\w+ ?: ?(?:\w+ )?)"
)
STATEMENTS: Final = (
    r"icd ?-? ?(?:9|10|11)?(?:-?(?:cm|gm))?[ :-]{0,3}(?:codes?)?[ :]{0,2}[a-tv-z]\d\d"
    r"|diagnos(?:ed (?:with|as having)|[ie]s? ?:|is of)|medical history|tested positive|hiv[ -]positive"
    r"|lab(?:oratory)? results|biopsy|chemotherapy|radiotherapy|discharge summary|unfit (?:for|to) work"
    r"|blood pressure|hba1c|prescribed (?:\w+ ){0,2}(?:medication|antibiotics|antidepressants|painkillers|opioids)"
    r"|(?:suffer(?:s|ed|ing) from|treated for) (?:an? )?(?:severe|acute|chronic|permanent|persistent|mental)"
    r"|\d+(?:[.,]\d+)? ?(?:mg|mcg|ie|iu)(?:/day| daily| per day| twice| once| three times| taglich|[ ,]+\d-\d-\d)"
    r"|befund ?:|anamnese|entlass(?:ungs)?brief|arztbrief|therapieplan|erkrankt an|blutdruck|grad der behinderung"
    r"|arbeitsunfahig(?:keitsbescheinigung)?|krankgeschrieben|krankschreibung|schwerbehindert(?:enausweis)?"
)
WORDS: Final = (
    r"patient(?:in|en|s)?|symptom[es]?n?|medications?|medikament\w*|medikation|prescriptions?|prescribed|surgery|operiert"
    r"|allerg(?:y|ies|ic|ie|ien|isch)|therap(?:y|ie)|(?:medical|health) records?|krankenakte|krankheit\w*"
    r"|erkrankung\w*|diagnos(?:is|e|es|en|ed)|impfung\w*|impfstatus|sick note|arzt(?:in|lich\w*)?"
)
