"""pyx12: cuts segments and checks the envelope."""

import logging
import sys

import pyx12.x12file
from report import report

logging.disable(logging.CRITICAL)
with open(sys.argv[1], encoding="ascii") as file:
    report(sum(1 for _ in pyx12.x12file.X12Reader(file)), "segments")
