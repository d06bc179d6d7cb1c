import { type PatternToken, runTokens } from './path-pattern.ts';

/** What ends a command or starts another one in a shell: `npm test *` is not to allow `npm test; curl …`. */
const SHELL_SIGNS = new Set([...';&|`$(){}<>\n\r\0\\']);

/** Whether a command is one that a pattern allows; `*` stands for any text without a sign of the shell. */
export function matchesCommand(pattern: string, command: string): boolean {
  const tokens = pattern
    .split('')
    .map(
      (character): PatternToken =>
        character === '*'
          ? { kind: 'many', takes: (other) => !SHELL_SIGNS.has(other) }
          : { kind: 'one', takes: (other) => other === character },
    );
  return runTokens(tokens, command);
}
