"""bots' parser: a tree after its grammar of the 810."""

import sys

from edi_parser.api import parse_edi
from report import report

with open(sys.argv[1], encoding="ascii") as file:
    answer = parse_edi(file.read(), "x12", "x12")
assert answer["success"], str(answer.get("errors"))[:300]


def nodes(node):
    below = node.get("_children") or node.get("children") or []
    return 1 + sum(nodes(child) for child in below)


report(nodes(answer["data"]), "nodes")
