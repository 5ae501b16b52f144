"""lxml: a tree an invoice, dropped after a look at its number."""

import sys

from lxml import etree
from report import report

INVOICE = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
ID = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}ID"
count = 0
for _, element in etree.iterparse(sys.argv[1], tag=INVOICE):
    count += element.findtext(ID) is not None
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
report(count, "invoices")
