// Test code only: what a data folder's evidence says, once no fabric has it open.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  exportEvidence,
  nodeCrypto,
  openBundleArchive,
  openFileLog,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import { fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { decodeStatement, isRecordSession, type Statement } from '@provability-fabric/statements';
import { runVerifier } from '../quickstart/verifier.ts';

/** Of the settings that hold where nothing is configured. */
export const ORIGIN = 'provability-fabric.local/local';

/** How many entries the published checkpoint covers. */
export function checkpointSize(data: string): number {
  return Number(readFileSync(join(data, 'log/checkpoint'), 'utf8').split('\n')[1]);
}

async function openLog(data: string, origin: string) {
  const keys = await openKeyRing(join(data, 'keys'), { origin, create: false });
  const emit = () => undefined;
  return openFileLog({
    directory: data,
    origin,
    crypto: nodeCrypto(),
    signer: keys.logSigner(),
    verifiers: keys.logVerifiers(),
    records: openRecordSealer({ directory: join(data, 'keys'), emit }),
    emit,
  });
}

/** What agents' sessions left, in log order, without records of facts; throws where the log contradicts itself. */
export async function statementsIn(data: string, origin = ORIGIN): Promise<readonly Statement[]> {
  const log = await openLog(data, origin);
  try {
    const statements: Statement[] = [];
    for await (const { envelope, session } of log.scan()) {
      if (isRecordSession(session)) continue;
      const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
      statements.push(decodeStatement(payloadType, fromBase64(payload)));
    }
    return statements;
  } finally {
    await log.close();
  }
}

/** One line for each decision and outcome, to be compared with what must have happened. */
export async function storyIn(data: string, origin = ORIGIN): Promise<readonly string[]> {
  const targets = new Map<string, string>();
  return (await statementsIn(data, origin)).flatMap((statement) => {
    if (statement.type === 'session-record') return [];
    if (statement.type === 'outcome-certificate')
      return [`${targets.get(statement.certificate_id)} ${statement.outcome}`];
    const { certificate_id, action, effect, reasons } = statement;
    targets.set(certificate_id, action.target);
    return [[action.target, effect, ...(effect === 'allow' ? [] : [reasons[0]?.code])].join(' ')];
  });
}

/** Exports all of a tenant and has `pf-verify` derive every verdict again, offline. */
export async function verify(
  data: string,
  tenant: string,
  { origin = ORIGIN, since }: { origin?: string; since?: string } = {},
) {
  const log = await openLog(data, origin);
  const file = join(data, 'exported.json');
  try {
    const bundles = await openBundleArchive({ directory: join(data, 'bundles'), crypto: nodeCrypto() });
    const { bytes } = await exportEvidence(log, { tenant }, { bundles: (digest) => bundles.read(digest) });
    await writeFile(file, bytes);
  } finally {
    await log.close();
  }
  const kept = since === undefined ? [] : ['--since', since];
  return runVerifier([file, '--keys', join(data, 'keys'), '--require', 're-derived', ...kept]);
}
