// Prints what failed in vitest's JSON report of the run before, and the one line that CI reads.
import { readFileSync } from 'node:fs';

const MESSAGE_LINES = 12;
const { testResults, numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
  readFileSync('coverage/tests.json', 'utf8'),
);
for (const { name, status, message, assertionResults } of testResults) {
  if (status !== 'failed') continue;
  const file = name.slice(process.cwd().length + 1);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) console.log(`FAILED ${file}\n${head(message)}`);
  for (const { fullName, failureMessages } of failed)
    console.log(`FAILED ${file}: ${fullName}\n${failureMessages.map(head).join('\n')}`);
}
console.log(
  `Tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`,
);
if (numFailedTests > 0) process.exitCode = 1;

function head(text) {
  return text.split('\n').slice(0, MESSAGE_LINES).join('\n');
}
