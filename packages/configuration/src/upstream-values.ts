import { isMap, isSeq, type Pair } from 'yaml';
import { bad, good, isLine, type Parsed } from './values.ts';
import { parseWebAddress } from './web-address.ts';
import { keyName, scalarValue } from './yaml-file.ts';

const MOST = 256;
const LONGEST_ARGUMENT = 32 * 1024;

export function parseText(node: unknown): Parsed<string> {
  const value = scalarValue(node);
  return isLine(value, 256)
    ? good(value)
    : bad('1 to 256 characters on one line, in quotes where they look like a number', value);
}

export function parsePrefix(node: unknown): Parsed<string> {
  const value = scalarValue(node);
  const valid = typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
  return valid ? good(value) : bad('1 to 64 letters, digits and `. _ -`', value);
}

export function parseAddress(node: unknown): Parsed<string> {
  const address = parseWebAddress(scalarValue(node), { loopbackOnly: true });
  return address.ok ? good(address.url.href) : address;
}

/** What came is never repeated here: an argument can be a key, wherever it should not be. */
export function parseArguments(node: unknown): Parsed<readonly string[]> {
  const refused = (problem: string): Parsed<never> => ({ ok: false, problem });
  if (!isSeq(node)) return refused('expected a list of texts');
  if (node.items.length > MOST)
    return refused(`expected at most ${MOST} arguments, came \`${node.items.length}\``);
  const values = node.items.map(scalarValue);
  const wrong = values.findIndex((value) => !isArgument(value));
  return wrong < 0
    ? good(values as string[])
    : refused(`expected texts, which argument ${wrong + 1} is not; put a number in quotes`);
}

export function parseVariables(node: unknown): Parsed<Readonly<Record<string, string>>> {
  const refused = (problem: string): Parsed<never> => ({ ok: false, problem });
  if (!isMap(node)) return refused('expected a mapping of names to texts');
  if (node.items.length > MOST)
    return refused(`expected at most ${MOST} variables, came \`${node.items.length}\``);
  const entries = node.items.map(({ key, value }: Pair) => [keyName(key), scalarValue(value)] as const);
  const badName = entries.find(([name]) => !/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))?.[0];
  if (badName !== undefined) return bad('names of letters, digits and `_`', badName);
  const wrong = entries.find(([, value]) => !isArgument(value))?.[0];
  if (wrong !== undefined)
    return refused(`expected a text, which the value of \`${wrong}\` is not; put a number in quotes`);
  return good(Object.fromEntries(entries) as Record<string, string>);
}

/** An argument or a variable can have several lines or be empty, but the system takes no NUL. */
function isArgument(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_ARGUMENT && !value.includes('\0');
}
