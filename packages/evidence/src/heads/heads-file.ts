// `log/heads`: the newest heads, one DSSE envelope in JSON a line, the newest last.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBase64, parseEnvelope, parseJsonBytes, utf8 } from '@provability-fabric/kernel';
import { decodeLedgerStatement, type HeadStatement } from '@provability-fabric/statements';
import { hasSystemCode } from '../errors.ts';
import type { LogFiles } from '../file-log/log-files.ts';

/** An hour and more of a busy log; the ledger has them all. */
const KEPT_HEADS = 512;

/** What is kept of earlier heads; none where there is no file. */
export async function readHeadLines(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Answers the lines that are there now. Durable when it resolves. */
export async function keepHead(
  files: LogFiles,
  path: string,
  lines: readonly string[],
  envelope: Uint8Array,
): Promise<readonly string[]> {
  const kept = [...lines, Buffer.from(envelope).toString('utf8')].slice(-KEPT_HEADS);
  await files.replace(path, utf8(`${kept.join('\n')}\n`));
  await files.syncFolder(dirname(path));
  return kept;
}

/** The head in a line; undefined for anything else. Its signature is not looked at. */
export function headIn(line: string | undefined): HeadStatement | undefined {
  if (line === undefined) return undefined;
  try {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(utf8(line)));
    const statement = decodeLedgerStatement(payloadType, fromBase64(payload));
    return statement.type === 'head' ? statement : undefined;
  } catch {
    // Somebody else's line stays where it is, until newer ones have pushed it out.
    return undefined;
  }
}
