"""Names that could pass for another (threats.md 22): mixed alphabets, invisible characters, near twins. It warns."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from models.partner import Member, Partner
from services.refusal import N_

# Letters of other alphabets that look like Latin ones, as far as names are likely to abuse them (Unicode TR 39).
PAIRS = "аa еe оo рp сc уy хx іi јj ѕs ԁd ԛq ԝw кk мm тt вb нh αa βb εe ιi κk νv οo ρp τt υu χx ωw ıi łl øo 0o 1l |l"
TWINS = {ord(pair[0]): pair[1] for pair in PAIRS.split()}
LOOKS_LATIN = frozenset("аеорсухіјѕԁԛԝαικνορτυχАВЕКМНОРСТХУІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
WRITTEN_TOGETHER = ({"HIRAGANA", "KATAKANA", "CJK"}, {"HANGUL", "CJK"})
LEGAL_FORMS = frozenset(
    (
        *("gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "gbr", "ug", "se", "eg", "ev", "und"),
        *("ltd", "limited", "llc", "llp", "inc", "incorporated", "corp", "corporation", "plc", "co", "company", "and"),
        *("sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab", "oy", "as", "aps", "kft", "sro", "doo"),
    )
)
SHORTEST_NEAR_TWIN = 6
MOST_NAMED = 5


@dataclass(frozen=True)
class NameWarning:
    """A sentence (message id) with its values, the other partners that it speaks of, and how many more there are."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    partners: tuple[Partner, ...] = ()
    more: int = 0


def warnings(partner: Partner) -> list[NameWarning]:
    """What an operator should look at twice before deciding about this partner."""
    people = Member.select(Member.name).where(Member.partner == partner)
    names = [partner.legal_name, *(member.name for member in people)]
    return [*(found for name in names for found in _odd_letters(name)), *_twins(partner), *_same_numbers(partner)]


def skeleton(name: str) -> str:
    """The name as the eye takes it: without case, accents, signs and legal form, look-alike letters made one."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")
    words = [word for word in re.split(r"[\W_]+", plain) if word and word not in LEGAL_FORMS]
    return "".join(words).translate(TWINS).replace("i", "l").replace("rn", "m").replace("vv", "w")


def scripts(word: str) -> set[str]:
    """The alphabets that the letters of a word come from, by their Unicode names."""
    return {unicodedata.name(sign, "UNKNOWN").split()[0] for sign in word if sign.isalpha()}


def _odd_letters(name: str) -> list[NameWarning]:
    hidden = sorted({f"U+{ord(sign):04X}" for sign in name if unicodedata.category(sign) in ("Cf", "Cc", "Co", "Cn")})
    values = {"name": name, "codes": ", ".join(hidden)}
    found = [NameWarning(N_("“%(name)s” holds characters that cannot be seen: %(codes)s."), values)] if hidden else []
    words = re.findall(r"[^\W\d_]+", name)
    plainly_written_in = {script for word in words if not set(word) <= LOOKS_LATIN for script in scripts(word)}
    for word in words:
        used = scripts(word)
        values = {"word": word, "scripts": ", ".join(sorted(used)).title()}
        if len(used) > 1 and not any(used <= together for together in WRITTEN_TOGETHER):
            found.append(NameWarning(N_("“%(word)s” mixes letters of several alphabets: %(scripts)s."), values))
        elif set(word) <= LOOKS_LATIN and not used & plainly_written_in:
            found.append(NameWarning(N_("“%(word)s” looks Latin but is written in %(scripts)s letters."), values))
    return found


def _twins(partner: Partner) -> list[NameWarning]:
    own = skeleton(partner.legal_name)
    others = Partner.select(Partner.id, Partner.legal_name).where(Partner.id != partner.id).order_by(Partner.id)
    near = [other for other in others if _near(own, skeleton(other.legal_name))]
    return _about(N_("The name is close to that of another partner:"), near)


def _same_numbers(partner: Partner) -> list[NameWarning]:
    """Register numbers are compared within a country: elsewhere the same number means nothing."""
    others = Partner.select(Partner.id, Partner.legal_name).where(Partner.id != partner.id).order_by(Partner.id)
    same_vat = others.where(Partner.vat_id == partner.vat_id) if partner.vat_id else ()
    in_country = others.where(Partner.country == partner.country)
    same_register = in_country.where(Partner.register_number == partner.register_number)
    return [
        *_about(N_("The VAT number is also that of another partner:"), same_vat),
        *_about(
            N_("The register number is also that of another partner:"), same_register if partner.register_number else ()
        ),
    ]


def _about(text: str, partners: Iterable[Partner]) -> list[NameWarning]:
    found = tuple(partners)
    return [NameWarning(text, partners=found[:MOST_NAMED], more=len(found[MOST_NAMED:]))] if found else []


def _near(one: str, other: str) -> bool:
    """The same, or one letter apart where the names are long enough for that to mean something."""
    if not one or not other:
        return False
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < SHORTEST_NEAR_TWIN or len(long) - len(short) > 1:
        return False
    start = next((place for place, sign in enumerate(short) if sign != long[place]), len(short))
    same_length = len(short) == len(long)
    swapped = same_length and short[start : start + 2] == long[start : start + 2][::-1]
    return (swapped and short[start + 2 :] == long[start + 2 :]) or short[start + same_length :] == long[start + 1 :]
