import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { Enforcer } from '@provability-fabric/enforcement';
import {
  type FileLog,
  nodeCrypto,
  openBundleArchive,
  openFileLog,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import type { JsonObject } from '@provability-fabric/kernel';
import { ENFORCED, loadBundle } from '@provability-fabric/policy';

export const ORIGIN = 'test.example/log';

export interface TestFabric {
  readonly log: FileLog;
  /** One call of a session, and its outcome where it was allowed; answers its effect. */
  call(call: {
    session: string;
    tool: string;
    args: JsonObject;
    tenant?: string;
    result?: string;
  }): Promise<string>;
  close(): Promise<void>;
}

/** A fabric on a data folder, as `pf serve` makes one, with the bundle of a folder in force. */
export async function openFabric(directory: string, folder: string): Promise<TestFabric> {
  const crypto = nodeCrypto();
  const compiled = await compileBundle(await readBundleFolder(folder), crypto);
  if (!compiled.ok) throw new Error('expected the bundle to compile');
  const bundle = loadBundle(compiled.bundle, crypto);
  const keys = join(directory, 'keys');
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: true, crypto });
  const archive = await openBundleArchive({ directory: join(directory, 'bundles'), crypto });
  await archive.activate(bundle.ir as unknown as JsonObject);
  const emit = () => {};
  const log = await openFileLog({
    directory,
    origin: ORIGIN,
    crypto,
    signer: ring.logSigner(),
    verifiers: ring.logVerifiers(),
    records: openRecordSealer({ directory: keys, emit }),
    emit,
  });
  let requests = 0;
  const enforcer = new Enforcer({
    crypto,
    signer: ring.evidenceSigner(),
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    bundle,
    journal: log,
    clock: { now: Date.now },
    surroundings: { environment: () => ENFORCED, epoch: () => 1 },
    observer: { decided() {}, settled() {}, overdue() {}, approval() {}, unavailable() {} },
    sessionIdleMs: 60_000,
    maxSessions: 100,
  });
  return {
    log,
    async call({ session, tool, args, tenant = 'acme', result = 'ok' }) {
      const principal = { id: 'agent', roles: ['assistant'], org: tenant, tenant, attributes: {} };
      const action = { kind: 'call', target: tool, args } as const;
      requests += 1;
      const requestId = String(requests);
      const answer = await enforcer.authorize({
        principal,
        capability: null,
        session,
        requestId,
        action,
        epoch: null,
        attributes: {},
      });
      if (answer.effect === 'allow') {
        await enforcer.settle({ tenant, principal: 'agent' }, session, answer.certificateId, 'done', result);
      }
      return answer.effect;
    },
    async close() {
      await enforcer.close();
      await log.close();
    },
  };
}
