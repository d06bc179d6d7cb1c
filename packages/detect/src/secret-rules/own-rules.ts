import { eitherCase } from './either-case.ts';
import { isPlaceholder } from './placeholder.ts';
import type { TextMatch } from './text-match.ts';

// What secretlint's rules leave out. Every pattern is linear in the text: it begins with fixed letters or at the edge of
// a run, and no two repeats that stand together share a character.

interface OwnRule {
  readonly rule: string;
  readonly pattern: RegExp;
  /** Whether what was found is a secret; absent: always. */
  readonly holds?: (found: RegExpMatchArray) => boolean;
}

/** Between a key's header and its first line, also within a string of a program: `\n`, quotes, `+`. */
const KEY_BEGINS = String.raw`(?:\\[rn]|[\s"'+,])*(?:[A-Za-z0-9+/=]{20}|Proc-Type:|DEK-Info:|Comment:|Subject:|Version:)`;

const RULES: readonly OwnRule[] = [
  {
    rule: 'private-key',
    pattern: new RegExp(
      `-{4,5} ?BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}${KEY_BEGINS}`,
      'g',
    ),
  },
  { rule: 'putty-private-key', pattern: /PuTTY-User-Key-File-[0-9]: ?[a-z0-9-]{4,40}/g },
  {
    rule: 'json-web-token',
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16,}/g,
  },
  {
    rule: 'aws-access-key-id',
    pattern: /(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
    holds: ([found]) => !found.includes('EXAMPLE'),
  },
  {
    rule: 'aws-secret-access-key',
    pattern: eitherCase(
      String.raw`aws[A-Za-z_. -]{0,20}(?:secret|key)[A-Za-z_. -]{0,20}["'${'`'}\]]{0,2}[ \t]{0,8}[:=]>?[ \t]{0,8}["'${'`'}]?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])`,
      'g',
    ),
    holds: ([, value = '']) => !isPlaceholder(value),
  },
  {
    rule: 'credentials-in-address',
    pattern: /:\/\/[^\s/:@"'`<>]{0,256}:([^\s/@"'`<>]{3,256})@[A-Za-z0-9[]/g,
    holds: ([, value = '']) => !isPlaceholder(value),
  },
  {
    rule: 'assigned-secret',
    pattern: eitherCase(
      String.raw`(passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)([A-Za-z0-9_-]{0,32})["'${'`'}\]]{0,2}[ \t]{0,8}(?::=|=>|[:=])[ \t]{0,8}(["'${'`'}]?)([^\s"'${'`'},;]{8,256})`,
      'g',
    ),
    holds: ([, word = '', rest = '', quote = '', value = '']) =>
      !NO_VALUE.test(rest) && looksSecret(value, quote !== '', PASSWORD.test(word)),
  },
];

/** `token_hash`, `secret_name`, `apiKeyUrl`: named after a secret, and none. */
const NO_VALUE = eitherCase(
  '(?:hash|digest|sha[0-9]*|id|ids|name|names|path|paths|file|files|url|uri|type|length|size|count)$',
);
const PASSWORD = eitherCase('^passw|^passphrase');
const PLAIN_WORDS = /^[A-Za-z_.:/-]*[0-9]{0,2}$/;

/**
 * Whether a value is one that nobody would write for anything else: letters and digits, many different ones, no code.
 * What stands in quotes and behind `password` may be short.
 */
function looksSecret(value: string, isQuoted: boolean, isPassword: boolean): boolean {
  if (isPlaceholder(value)) return false;
  if (!isQuoted && /[()[\]{}<>|&]|=>|::/.test(value)) return false;
  if (!/[0-9]/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (isPassword && isQuoted) return new Set(value).size >= 6;
  if (PLAIN_WORDS.test(value)) return false;
  return value.length >= (isQuoted ? 12 : 16) && new Set(value).size >= 8;
}

export function ownMatches(content: string): readonly TextMatch[] {
  const matches: TextMatch[] = [];
  for (const { rule, pattern, holds } of RULES) {
    for (const found of content.matchAll(pattern)) {
      if (holds?.(found) ?? true)
        matches.push({ rule, start: found.index, end: found.index + found[0].length });
    }
  }
  return matches;
}
