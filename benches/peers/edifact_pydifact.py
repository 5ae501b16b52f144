"""pydifact: segments as objects."""

import sys

from pydifact.parser import Parser
from report import report

with open(sys.argv[1], encoding="ascii") as file:
    text = file.read()
# It knows one interchange to a text.
count = 0
for interchange in text.split("UNA:+.? '")[1:]:
    count += sum(1 for _ in Parser().parse("UNA:+.? '" + interchange))
report(count, "segments")
