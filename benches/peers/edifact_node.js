// edifact (node-edifact): events, a piece of the file at a time; nothing is validated.
const report = require('./report.js');
const Parser = require('edifact/parser.js');
const text = require('fs').readFileSync(process.argv[2], 'latin1');
let count = 0;
for (const interchange of text.split(/(?=^UNA:)/m)) {
  const parser = new Parser();
  parser.encoding('UNOC');
  let value = '';
  parser.on('opensegment', () => { count += 1; });
  parser.on('component', (data) => { value = data; });
  parser.write(interchange);
  parser.end();
}
report(count, 'segments');
