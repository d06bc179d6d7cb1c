import { eitherCase } from './either-case.ts';

const WORDS = eitherCase(
  String.raw`change[-_ ]?me|example|placeholder|redacted|dummy|your[-_ ]|\bfoo\b|\bbar\b|x{4}|\*{3}|\.{3}|todo|replace[-_ ]?me|secret://`,
);
/** Filled in when it is used: `${VAR}`, `$VAR`, `{{ name }}`, `<token>`, `%(name)s`, `@name@`, `!Ref`. */
const TEMPLATES = /\$\{|\$\(|\$[A-Za-z_]|\{\{|\{%|%\(|<[A-Za-z][A-Za-z0-9 _.-]*>|^@.*@$|^!/;
/** What documents write where a password would stand in an address. */
const STAND_INS = new Set(['password', 'pass', 'passwd', 'pwd', 'secret', 'token', 'user', 'username']);

/** Whether a value stands for a secret instead of being one. */
export function isPlaceholder(value: string): boolean {
  if (WORDS.test(value) || TEMPLATES.test(value) || STAND_INS.has(value)) return true;
  return value.length > 0 && [...value].every((character) => character === value[0]);
}
