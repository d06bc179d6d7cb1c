import { open } from 'node:fs/promises';
import { toolsOfOpenApi } from '@provability-fabric/bundle';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { field, type JsonValue, parseJson } from '@provability-fabric/kernel';
import type { Shell } from '../shell.ts';

/** Descriptions of 1,000 tools are far smaller; a stranger's file is not read without an end. */
const MAX_BYTES = 16_000_000;

/** Tool descriptions from a JSON file: a list, or what `tools/list` answers. */
export async function readDescriptions(shell: Shell, typed: string): Promise<JsonValue> {
  const value = parsed(typed, await textOf(shell, typed));
  return field(value, 'tools') ?? field(field(value, 'result'), 'tools') ?? value;
}

/** The operations of an OpenAPI document, JSON or YAML. */
export async function readOpenApi(shell: Shell, typed: string): Promise<JsonValue> {
  const text = await textOf(shell, typed);
  if (text.trimStart().startsWith('{')) return toolsOfOpenApi(parsed(typed, text));
  const { parse } = await import('yaml');
  try {
    // Through JSON, so that only what JSON can say is left.
    return toolsOfOpenApi(parseJson(JSON.stringify(parse(text, { maxAliasCount: 100, logLevel: 'error' }))));
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'BundleError') throw cause;
    throw new CommandError('INPUT_INVALID', `${typed}: expected JSON or YAML, came neither`, { cause });
  }
}

function parsed(typed: string, text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError('INPUT_INVALID', `${typed}: ${problem}`, { cause });
  }
}

async function textOf(shell: Shell, typed: string): Promise<string> {
  try {
    const file = await open(shell.path(typed), 'r');
    try {
      if ((await file.stat()).size > MAX_BYTES) {
        throw new CommandError('INPUT_INVALID', `${typed}: expected at most ${MAX_BYTES} bytes, came more`);
      }
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    const code = systemCode(cause);
    if (code === undefined) throw cause;
    throw new CommandError('INPUT_INVALID', `${typed}: expected a file that can be read (${code})`, {
      cause,
    });
  }
}
