import {
  exportEvidence,
  type LogReading,
  openHeadProver,
  readFileLog,
  readKeptHeads,
} from '@provability-fabric/evidence';
import type { Digest } from '@provability-fabric/kernel';
import type { DecidingFabric } from '../wire.ts';

/** The log of a fabric that has been closed: the last thing that one does is to sign where its sessions end. */
export function readClosedLog({ folder, settings }: DecidingFabric): Promise<LogReading> {
  return readFileLog({
    directory: folder.path,
    origin: settings.origin,
    crypto: folder.crypto,
    verifiers: folder.keys.logVerifiers(),
    records: folder.records,
  });
}

/** One session's evidence, as `pfctl certs export` writes it, with the proof of where it ends. */
export async function sessionEvidence(
  { folder }: DecidingFabric,
  log: LogReading,
  selection: { readonly tenant: string; readonly session: string },
  oldCheckpoint?: string,
): Promise<Uint8Array> {
  const head = await openHeadProver(folder.crypto, log, await readKeptHeads(folder.path));
  const { bytes } = await exportEvidence(log, selection, {
    bundles: (digest: Digest) => folder.bundles.read(digest),
    ...(head !== undefined && { head }),
    ...(oldCheckpoint !== undefined && { oldCheckpoint }),
  });
  return bytes;
}
