// Tries to take a data folder; prints `locked`, or the code and message it was refused with. Holds it until
// killed.
import { lockDataFolder } from '../data-folder-lock.ts';
import { EvidenceError } from '../errors.ts';

const [directory = '', platform] = process.argv.slice(2) as [string, NodeJS.Platform | undefined];
const now = () => Date.parse('2026-01-01T00:00:00Z') + process.pid;
try {
  await lockDataFolder(directory, platform === undefined ? { now } : { now, platform });
  console.log('locked');
  process.stdin.resume();
} catch (error) {
  if (!(error instanceof EvidenceError)) throw error;
  console.log(`${error.code} ${error.message}`);
}
