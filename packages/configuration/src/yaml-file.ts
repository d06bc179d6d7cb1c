import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { readSmallFile } from './small-file.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A mapping read from a file, and where its nodes are. */
export interface YamlFile {
  /** null: the file is empty, or there is none. */
  readonly root: YAMLMap | null;
  /** Where a node begins; the beginning of the file for one that has no place. */
  place(node: unknown): Place;
  problem(node: unknown, message: string): Problem;
}

const LIMIT = 64 * 1024;

/** Reads a YAML file whose whole is a mapping. `file` is how it is called in problems. */
export async function readYamlFile(
  path: string,
  file: string,
): Promise<
  | { readonly ok: true; readonly yaml: YamlFile }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const read = await readSmallFile(path, LIMIT);
  const whole = (message: string) =>
    ({ ok: false, problems: [{ file, line: null, column: null, message }] }) as const;
  if (!read.ok) return whole(read.problem);

  const lines = new LineCounter();
  const source = read.text ?? '';
  const document = parseDocument(source, { lineCounter: lines, intAsBigInt: true, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    const problems = broken.map((error) => ({
      file,
      ...at(error.pos[0]),
      // The parser repeats what it read in some messages, on lines of its own.
      message: `expected YAML: ${lowerFirst(error.message.split('\n')[0] as string)}`,
    }));
    return { ok: false, problems };
  }
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === null);
  if (!empty && !isMap(contents)) return whole('expected a mapping of keys to values');
  const place = (node: unknown) => at((node as { range?: readonly [number] } | null)?.range?.[0] ?? 0);
  const problem = (node: unknown, message: string) => ({ file, ...place(node), message });
  return { ok: true, yaml: { root: empty ? null : (contents as YAMLMap), place, problem } };
}

/** The name of a key; empty for a key that is no text, which then is an unknown one. */
export function keyName(key: unknown): string {
  return isScalar(key) ? String(key.value) : '';
}

/** What a scalar says. An alias or a nested value is no scalar, and no key that asks for one takes it. */
export function scalarValue(node: unknown): unknown {
  if (isScalar(node)) return node.value;
  return node === null ? null : {};
}

export function unknownKey(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const mend = meant === undefined ? `the keys are ${known.join(', ')}` : `did you mean \`${meant}\`?`;
  return `unknown key \`${name.slice(0, 80)}\`; ${mend}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
