import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { FABRIC_KEYS } from './keys.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { readSmallFile } from './small-file.ts';

type FabricKey = keyof typeof FABRIC_KEYS;
type ValueOf<Key extends FabricKey> = Extract<
  ReturnType<(typeof FABRIC_KEYS)[Key]['parse']>,
  { ok: true }
>['value'];

/** What `fabric.yaml` says; a key that it does not name is absent. */
export type FabricValues = { readonly [Key in FabricKey]?: ValueOf<Key> };

const LIMIT = 64 * 1024;

/** Reads `fabric.yaml`. Every key is checked, so that all that is wrong is said at once. */
export async function readFabricFile(
  path: string,
  file: string,
): Promise<{ readonly values: FabricValues; readonly problems: readonly Problem[] }> {
  const read = await readSmallFile(path, LIMIT);
  const whole = (message: string) => ({
    values: {},
    problems: [{ file, line: null, column: null, message }],
  });
  if (!read.ok) return whole(read.problem);
  if (read.text === undefined) return { values: {}, problems: [] };

  const lines = new LineCounter();
  const document = parseDocument(read.text, { lineCounter: lines, intAsBigInt: true, prettyErrors: false });
  const at = (offset: number, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, message };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const problems = broken.map((error) => at(error.pos[0], `expected YAML: ${lowerFirst(error.message)}`));
    return { values: {}, problems };
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { values: {}, problems: [] };
  if (!isMap(contents)) return whole('expected a mapping of keys to values');

  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const offset = (node: unknown) => (node as { range?: readonly [number] } | null)?.range?.[0] ?? 0;
    if (!Object.hasOwn(FABRIC_KEYS, name)) {
      problems.push(at(offset(key), unknownKey(name, Object.keys(FABRIC_KEYS))));
      continue;
    }
    // An alias or a nested value is no scalar, and no key takes one.
    const content = isScalar(value) ? value.value : value === null ? null : {};
    const parsed = FABRIC_KEYS[name as FabricKey].parse(content);
    if (parsed.ok) values[name] = parsed.value;
    else problems.push(at(value === null ? offset(key) : offset(value), `\`${name}\`: ${parsed.problem}`));
  }
  return { values: values as FabricValues, problems };
}

export function unknownKey(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const mend = meant === undefined ? `the keys are ${known.join(', ')}` : `did you mean \`${meant}\`?`;
  return `unknown key \`${name.slice(0, 80)}\`; ${mend}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
