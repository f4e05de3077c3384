"""Countries as today's BeeL takes them: a code, or an official name in Spanish, English or Catalan.

Of the countries that a Spanish firm sells to most the names are known; every other one is known by
its code alone, which stands for its name, too.
"""

from typing import Any, Final
from unicodedata import combining, normalize

SPAIN: Final = "ES"
_NAMES: Final = {
    "AD": ("Andorra",),
    "AR": ("Argentina",),
    "AT": ("Austria", "Àustria"),
    "BE": ("Bélgica", "Belgium", "Bèlgica"),
    "BG": ("Bulgaria", "Bulgària"),
    "CH": ("Suiza", "Switzerland", "Suïssa"),
    "CY": ("Chipre", "Cyprus", "Xipre"),
    "CZ": ("Chequia", "Czechia", "Txèquia"),
    "DE": ("Alemania", "Germany", "Alemanya"),
    "DK": ("Dinamarca", "Denmark"),
    "EE": ("Estonia", "Estònia"),
    SPAIN: ("España", "Spain", "Espanya"),
    "FI": ("Finlandia", "Finland", "Finlàndia"),
    "FR": ("Francia", "France", "França"),
    "GB": ("Reino Unido", "United Kingdom", "Regne Unit"),
    "GR": ("Grecia", "Greece", "Grècia"),
    "HR": ("Croacia", "Croatia", "Croàcia"),
    "HU": ("Hungría", "Hungary", "Hongria"),
    "IE": ("Irlanda", "Ireland"),
    "IT": ("Italia", "Italy", "Itàlia"),
    "LT": ("Lituania", "Lithuania", "Lituània"),
    "LU": ("Luxemburgo", "Luxembourg", "Luxemburg"),
    "LV": ("Letonia", "Latvia", "Letònia"),
    "MA": ("Marruecos", "Morocco", "Marroc"),
    "MT": ("Malta",),
    "MX": ("México", "Mexico", "Mèxic"),
    "NL": ("Países Bajos", "Netherlands", "Països Baixos"),
    "NO": ("Noruega", "Norway"),
    "PL": ("Polonia", "Poland", "Polònia"),
    "PT": ("Portugal",),
    "RO": ("Rumanía", "Romania"),
    "SE": ("Suecia", "Sweden", "Suècia"),
    "SI": ("Eslovenia", "Slovenia", "Eslovènia"),
    "SK": ("Eslovaquia", "Slovakia", "Eslovàquia"),
    "US": ("Estados Unidos", "United States", "Estats Units"),
}
_OTHERS: Final = """
AE AF AG AI AL AM AO AQ AS AU AW AX AZ BA BB BD BF BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
CC CD CF CG CI CK CL CM CN CO CR CU CV CW CX DJ DM DO DZ EC EG EH ER ET FJ FK FM FO GA GD GE GF GG
GH GI GL GM GN GP GQ GS GT GU GW GY HK HM HN HT ID IL IM IN IO IQ IR IS JE JM JO JP KE KG KH KI KM
KN KP KR KW KY KZ LA LB LC LI LK LR LS LY MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MU MV MW MY
MZ NA NC NE NF NG NI NP NR NU NZ OM PA PE PF PG PH PK PM PN PR PS PW PY QA RE RS RU RW SA SB SC SD
SG SH SJ SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""


def settle_country(address: dict[str, Any]) -> tuple[str, str] | None:
    """Give an address its country as it is stored, or the code and the words of a refusal."""
    code, name = address.get("country_code"), address.get("country")
    named = _CODES.get(_folded(name)) if name is not None else None
    if (code or SPAIN) not in _KNOWN or (name is not None and named is None):
        return "COUNTRY_CODE_REQUIRED", "Not the code or the name of a country"
    if code and named not in (None, SPAIN, code):
        return "COUNTRY_CODE_MISMATCH", "The country is another one than its code"
    address["country_code"] = code = code or named or SPAIN
    address["country"] = _NAMES.get(code, (code,))[0]
    return None


def _folded(name: str) -> str:
    return "".join(char for char in normalize("NFD", name.casefold()) if not combining(char))


_KNOWN: Final = frozenset({*_NAMES, *_OTHERS.split()})
_CODES: Final = {_folded(code): code for code in _KNOWN} | {
    _folded(name): code for code, names in _NAMES.items() for name in names
}
