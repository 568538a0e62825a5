"""Ordinary words that are names too, months, weekdays, places: with a capital they are still no name by themselves.

Folded, in lower case. A word that is missing here is masked where it stands with a capital; a word too
many is a name that reaches the prompt. So a rare word that is mostly met as a name does not belong here.
"""

from __future__ import annotations

from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GRAMMAR: Final = _words(
    """
    a about after all also am an and any are as at be been before being both but by can could did do does for from
    had has have he her here him his how i if in into is it its let like may me met more most my no nor not now of
    on one only or our out over per said saw she so some such than that the their them then there these they this
    those to told too two under until up us versus very via was we were what when where which while who whom whose
    why will with without would yes yet you your
    der das dem den des die ein eine einem einen einer im ist mit nicht oder und von vom wie wo zu zum zur
    """
)
_CALENDAR: Final = _words(
    """
    january february march april june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs
    fri sat sun spring summer autumn fall winter noel easter christmas
    januar februar maerz marz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag
    sonntag
    """
)
_PLACES: Final = _words(
    """
    africa america asia austin berlin boston brooklyn carolina chelsea chester china cork dallas denver devon
    england essex europe florence france georgia germany holland houston india ireland israel italy jersey jordan
    kent lancaster lincoln london madison milan norfolk oxford paris phoenix poland regina rome savannah scotland
    spain sydney troy vienna virginia wales warwick washington wellington york
    """
)
_WORDS: Final = _words(
    """
    amber angel ash archer art ascent autumn bacon baker banks barber barn bass bay beach bean bear
    bell berry best bill birch bird bishop black blue bloom board bond book booth bow bowl box boy branch
    brand bridge bright bring broad brook brooks brown buck bull bush butcher butler buyer cage camp cane cannon
    car carpenter carter case cash castle chance chandler chase chip christian church clear clever close cloud
    coal colt constable constant cook cooper copper coral core corner cotton court crane cross crow
    crown crystal curry dale dash dawn day deacon dean dear deer destiny diamond doe dollar drake drew
    driver duke dyer earl earnest east ebony elder ember emerald eve faith falcon farmer fern field fields
    finder fish fisher flint flood flora flower forest forester fort foster fountain fox frank freed freeman friend
    frost fuller gale garden gardener garland gates gay gentry gift gill glass glazier glory glover gold golden
    good goose grace grand grant grass gray green grey grove guy hack hall hammer hand hardy harmony harper
    hart harvest haven hawk hay hazel head heath heather heaven heir hill hills ho holiday holly home honor honour
    hood hook hope house hunt hunter ice iris iron ivory ivy jade jasmine jewel joiner joy judge
    justice key keys king kit knight lake lamb lance land lane lark lath law lawyer lay leaf legend
    lily link lock lodge long lord lot love low lucky mark marks marsh marshal mason master
    maximum mead meadow means melody mercer mercy merit merry mile miles mill miller mills mint misty monk moon
    moor mount myrtle nature neat new noble north oak oaks ocean olive opal page palm palmer
    park parker parks parson patience peace peach pearl peg penny pepper person pierce
    pitch poet pool poppy porter potter powder power prayer precious price pride prince prior prudence queen
    quick quill rain rainbow ranger read reader reed reef rich ridge ring river rivers rock
    rod roof root rose rosemary row royal ruby rush rusty sage sailor salt sandy savage saw sawyer scarlet
    scout sea senior serenity sharp shell shepherd sheriff shore short sienna silver singer sky slate sling
    small smart smith snow song south sparks speaker speed spice squire star stark steel stern steward stock
    stone storm street strong sugar sunny swan sweet swift tab tailor temple thanks tiger
    tinker tower towers town trainer tree trinity true trip trust tyre usher vale valentine
    van violet wade walker wall ward warden ware waters way weaver weeks well wells
    west wheat wheeler whistler white wild willow win wine wing winner wise wish wolf wood woods woody word worth
    yard young zen
    gross klein kurz lang sommer stein weiss wolf
    """
)
# What an initial and a surname run together may spell: T. Hanks, A. Cross, S. Wells.
_RUN_TOGETHER: Final = _words(
    """
    abound abroad aboard across adrift afield afraid afresh against aground agreed ahead alight alone aright around
    ashore asleep assign astray athens awhile bangle blocks bounce branch brands breach bright broker browse candle
    change charge charter chills clever clocks closer coffer covers crooks cruise crushes drivers drives dwells
    emerge enough events family flight flocks flower follow grants ground grower grows member orange planes player
    plight pledge prices sample scales scooper search season select sharper shells should shower skills slight
    slower smarter smiles smother social solder sparks spring sports square stable starter states stones strain
    strand stress string strike stroke strong swells swords system thanks thought through tracks trades trails
    trains travel treats trends trucks whales whills whites within wonder
    """
)
ORDINARY: Final = GRAMMAR | _CALENDAR | _PLACES | _WORDS
SPELLS_A_WORD: Final = ORDINARY | _RUN_TOGETHER
NO_STREET: Final = (GRAMMAR | _CALENDAR) - _words("der den des die dem von vom zu zum zur im in de la via")
"""What a street is not called behind its number: "12 May", "5 of the"."""
