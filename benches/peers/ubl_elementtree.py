"""Python's own: a tree an invoice, dropped after a look at its number."""

import sys
from xml.etree import ElementTree

from report import report

INVOICE = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
ID = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}ID"
count = 0
events = ElementTree.iterparse(sys.argv[1], events=("start", "end"))
_, root = next(events)
for event, element in events:
    if event == "end" and element.tag == INVOICE:
        count += element.findtext(ID) is not None
        root.clear()
report(count, "invoices")
