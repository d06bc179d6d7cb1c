import { readFile } from 'node:fs/promises';
import { CommandError } from '@provability-fabric/command-line';
import { isJsonObject, parseJson } from '@provability-fabric/kernel';
import type { Shell } from '../shell.ts';

/** An export of many secrets. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * A secret's value as it is named on the command line: `FIELD=@FILE`, `FIELD=-` for standard input, or a JSON object from a
 * file. Never the value itself: every user of the machine sees command lines, and shells keep them.
 */
export async function readFields(
  shell: Shell,
  named: readonly string[],
  jsonFile: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (jsonFile !== undefined) {
    if (named.length > 0)
      throw new CommandError('INPUT_INVALID', 'expected either fields or --json FILE, came both');
    return objectIn(await textOf(shell, jsonFile), jsonFile);
  }
  if (named.length === 0)
    throw new CommandError(
      'INPUT_INVALID',
      'expected FIELD=@FILE, FIELD=- or --json FILE, came none; --help shows how',
    );
  const fields: Record<string, string> = {};
  let fromInput = 0;
  for (const one of named) {
    const [, field, source] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,126})=(-|@.+)$/s.exec(one) ?? [];
    if (field === undefined || source === undefined) throw notAField(one);
    if (Object.hasOwn(fields, field))
      throw new CommandError('INPUT_INVALID', `expected the field \`${field}\` once, came twice`);
    fromInput += source === '-' ? 1 : 0;
    if (fromInput > 1)
      throw new CommandError('INPUT_INVALID', 'expected one field from standard input, came two');
    // Editors and `echo` end a file with a line break; a credential seldom does, and --json keeps every character.
    fields[field] = (await textOf(shell, source === '-' ? '-' : source.slice(1))).replace(/\r?\n$/, '');
  }
  return fields;
}

/** A file as text, or standard input where it is called `-`. */
export async function textOf(shell: Shell, file: string): Promise<string> {
  const bytes = file === '-' ? await inputOf(shell) : await readFile(shell.path(file));
  if (bytes.length > MAX_BYTES)
    throw new CommandError('INPUT_INVALID', `expected at most ${MAX_BYTES} bytes, came ${bytes.length}`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CommandError(
      'INPUT_INVALID',
      'expected UTF-8 text, came other bytes; encode them, as base64 for instance',
    );
  }
}

async function inputOf(shell: Shell): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of shell.terminal.input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function objectIn(text: string, file: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    value = undefined;
  }
  const isFlat =
    isJsonObject(value as never) &&
    Object.values(value as object).every((field) => typeof field === 'string');
  if (isFlat) return value as Readonly<Record<string, string>>;
  throw new CommandError('INPUT_INVALID', `${file}: expected a JSON object of texts, like {"password": "…"}`);
}

/** What came is not repeated: it may be the value itself. */
function notAField(one: string): CommandError {
  const typed = /^[A-Za-z0-9][A-Za-z0-9._-]*=/.exec(one)?.[0];
  const mend = 'a value on the command line is seen by every user of the machine';
  return new CommandError(
    'INPUT_INVALID',
    `expected FIELD=@FILE or FIELD=- (standard input), came ${typed === undefined ? 'something else' : `\`${typed}…\``}; ${mend}`,
  );
}
