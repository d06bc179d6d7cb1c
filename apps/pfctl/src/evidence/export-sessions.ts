import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import {
  exportEvidence,
  type HeadProver,
  type LogReading,
  nodeCrypto,
  openBundleArchive,
} from '@provability-fabric/evidence';
import { canonicalBytes, type JsonValue } from '@provability-fabric/kernel';
import type { EvidenceExport } from '@provability-fabric/statements';
import type { DataFolder } from './data-folder.ts';
import { decodeEnvelope } from './decode-scanned.ts';

export interface SessionName {
  readonly tenant: string;
  readonly session: string;
}

/** Whose session it is. The name alone may be several tenants'. */
export function tenantOf(log: LogReading, session: string, given: string | undefined): string {
  const tenants = [...log.heads()].filter((head) => head.session === session).map(({ tenant }) => tenant);
  const [tenant, ...others] = given === undefined ? tenants : tenants.filter((known) => known === given);
  if (tenant === undefined) {
    throw new CommandError(
      'INPUT_INVALID',
      `expected a session of the log, came \`${session}\`; pfctl certs list shows them`,
    );
  }
  if (others.length === 0) return tenant;
  throw new CommandError(
    'INPUT_INVALID',
    `expected --tenant, since ${tenants.join(', ')} each have a session \`${session}\``,
  );
}

/** Whole sessions as one evidence file. The log's checkpoint is one and the same for all of them. */
export async function exportSessions(
  log: LogReading,
  folder: DataFolder,
  sessions: readonly SessionName[],
  since: string | undefined,
  head?: HeadProver,
): Promise<{ readonly entries: number; readonly bytes: Uint8Array }> {
  const archive = await openBundleArchive({ directory: join(folder.path, 'bundles'), crypto: nodeCrypto() });
  const bundles = new Map<string, EvidenceExport['bundles'][number]>();
  const parts: EvidenceExport[] = [];
  for (const selection of sessions) {
    const { evidence } = await exportEvidence(log, selection, {
      async bundles(digest) {
        const bundle = bundles.get(digest) ?? (await archive.read(digest));
        bundles.set(digest, bundle);
        return bundle;
      },
      ...(since === undefined ? {} : { oldCheckpoint: since }),
    });
    parts.push(evidence);
  }
  const [first] = parts;
  if (first === undefined) throw new CommandError('CANNOT_CHECK', 'expected sessions in the log, came none');
  const entries = parts.flatMap((part) => part.entries).sort((a, b) => a.index - b.index);
  const whole: EvidenceExport = {
    ...first,
    entries,
    ...(head === undefined ? {} : { head: head.prove(entries) }),
    bundles: inOrderOfUse(entries, bundles),
  };
  return { entries: entries.length, bytes: canonicalBytes(whole as unknown as JsonValue) };
}

/** As their digests first appear in the entries: the order that the verifier wants, so that a file has one form. */
function inOrderOfUse(
  entries: EvidenceExport['entries'],
  bundles: ReadonlyMap<string, EvidenceExport['bundles'][number]>,
): EvidenceExport['bundles'] {
  const used = new Set<string>();
  for (const { envelope } of entries) {
    const statement = decodeEnvelope(envelope);
    if ('bundle' in statement) used.add(statement.bundle.digest);
  }
  return [...used].map((digest) => bundles.get(digest)).filter((bundle) => bundle !== undefined);
}
