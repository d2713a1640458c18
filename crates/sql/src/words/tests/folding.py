"""Writes folding.txt: what characters fold to by Python's own tables of Unicode, as `code points>code points`.

Unicode's stability policies keep decompositions and case foldings of assigned characters as they are, so the table holds for
every later version.

Run: python3 folding.py > folding.txt
"""

import sys
import unicodedata


def fold(text):
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    folded = unicodedata.normalize("NFKD", bare.casefold())
    return "".join(c for c in folded if unicodedata.category(c) != "Mn")


def codes(text):
    return " ".join(f"{ord(c):x}" for c in text)


print(f"# Unicode {unicodedata.unidata_version}")
for code in range(0x80, sys.maxunicode + 1):
    character = chr(code)
    category = unicodedata.category(character)
    # Syllables of Hangul are composed again, surrogates are no characters.
    if category in ("Cn", "Cs", "Co") or 0xAC00 <= code <= 0xD7A3:
        continue
    folded = fold(character)
    if folded != character:
        print(f"{codes(character)}>{codes(folded)}")
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        print(f"{codes(character)}>{codes(str(digit))}")
