import { checkLimits } from './limits.ts';
import type { SandboxRun } from './sandbox.ts';

/** Linux takes no longer argument (MAX_ARG_STRLEN is 128 KiB). */
const MAX_ARGUMENT_BYTES = 64 * 1024;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Callers parse what strangers send; what gets here in another form is a bug. */
export function checkRun({ commands, limits, environment }: SandboxRun): void {
  checkLimits(limits);
  for (const command of commands) {
    const words = typeof command === 'string' ? [command] : command;
    if (words.length === 0) throw new RangeError('a program was expected, not an empty list');
    for (const word of words) checkWord(word);
  }
  for (const [name, value] of Object.entries(environment ?? {})) {
    if (!VARIABLE.test(name)) throw new RangeError('a variable name of letters, digits and `_` was expected');
    checkWord(value);
  }
}

function checkWord(word: string): void {
  if (word.includes('\0')) throw new RangeError('a command without zero bytes was expected');
  if (Buffer.byteLength(word) > MAX_ARGUMENT_BYTES) {
    throw new RangeError(`at most ${MAX_ARGUMENT_BYTES} bytes were expected in one argument of a command`);
  }
}
