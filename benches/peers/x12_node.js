// node-x12: a tree of one interchange at a time.
const report = require('./report.js');
const { X12Parser } = require('node-x12');
const text = require('fs').readFileSync(process.argv[2], 'latin1');
let count = 0;
for (const interchange of text.split(/(?=^ISA\*)/m)) {
  for (const group of new X12Parser(false).parse(interchange).functionalGroups) count += group.transactions.length;
}
report(count, 'transactions');
