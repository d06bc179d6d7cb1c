// Prints the one line that CI reads, from vitest's JSON report of the run before.
import { readFileSync } from 'node:fs';

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
  readFileSync('coverage/tests.json', 'utf8'),
);
console.log(
  `Tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`,
);
if (numFailedTests > 0) process.exitCode = 1;
