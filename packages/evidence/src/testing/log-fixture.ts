import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileLog, type FileLogOptions, openFileLog } from '../file-log/file-log.ts';
import { openRecordSealer } from '../file-log/record-sealer.ts';
import { type KeyRing, openKeyRing } from '../keys/key-ring.ts';
import { nodeCrypto } from '../node-crypto.ts';
import type { EvidenceEvent } from '../ports.ts';

export const ORIGIN = 'test.example/log';
export const crypto = nodeCrypto();

export interface TestLog {
  readonly log: FileLog;
  readonly events: { readonly event: EvidenceEvent; readonly details: Readonly<Record<string, unknown>> }[];
}

let sharedKeys: Promise<{ readonly directory: string; readonly ring: KeyRing }> | undefined;

/** One key pair for all logs of a test file: making and checking keys takes longer than a log does. */
export function testKeys(): Promise<{ readonly directory: string; readonly ring: KeyRing }> {
  sharedKeys ??= (async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pf-evidence-keys-'));
    return { directory, ring: await openKeyRing(directory, { origin: ORIGIN, create: true, crypto }) };
  })();
  return sharedKeys;
}

/**
 * A log on a folder, record keys in `keys/` beside it. Checkpoints come only when asked for, unless a test
 * says otherwise.
 */
export async function openTestLog(
  directory: string,
  options: Partial<FileLogOptions> = {},
): Promise<TestLog> {
  const events: TestLog['events'] = [];
  const emit: FileLogOptions['emit'] = (event, details) => events.push({ event, details });
  const { ring } = await testKeys();
  const log = await openFileLog({
    directory,
    origin: ORIGIN,
    crypto,
    signer: ring.logSigner(),
    verifiers: ring.logVerifiers(),
    records: openRecordSealer({ directory: join(directory, 'keys'), emit }),
    emit,
    checkpointEveryMs: 3_600_000,
    checkpointEveryEntries: 1_000_000,
    ...options,
  });
  return { log, events };
}

/** Folders that a test file makes; `removeAll` belongs into its afterAll. */
export function temporaryFolders(): { make(): Promise<string>; removeAll(): Promise<void> } {
  const made: string[] = [];
  return {
    async make() {
      const folder = await mkdtemp(join(tmpdir(), 'pf-evidence-'));
      made.push(folder);
      return folder;
    },
    async removeAll() {
      if (sharedKeys !== undefined) made.push((await sharedKeys).directory);
      sharedKeys = undefined;
      for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
    },
  };
}
