import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { type Commit, Enforcer, type Journal } from '@provability-fabric/enforcement';
import {
  type FileLog,
  nodeCrypto,
  openFileLog,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import type { Crypto, EnvelopeSigner } from '@provability-fabric/kernel';
import { ENFORCED, type LoadedBundle, loadBundle } from '@provability-fabric/policy';
import { pooledRandomness } from '../../../apps/fabric/src/pooled-randomness.ts';

/** What the fabric makes decisions of, on a data folder of its own, as `apps/fabric/src/wire.ts` connects it. */
export interface BenchFabric {
  readonly crypto: Crypto;
  readonly bundle: LoadedBundle;
  readonly signer: EnvelopeSigner;
  readonly log: FileLog;
  /** What the enforcer commits, for as long as it is listened to. */
  onCommit: ((commit: Commit) => void) | undefined;
  /** A second log on the same disk, to be measured alone. */
  readonly alone: FileLog;
  readonly enforcer: Enforcer;
  close(): Promise<void>;
}

export async function openBenchFabric(): Promise<BenchFabric> {
  const crypto = nodeCrypto();
  const folder = join(resolve(import.meta.dirname, '../../..'), 'bundles', 'quickstart');
  const compiled = await compileBundle(await readBundleFolder(folder), crypto);
  if (!compiled.ok) throw new Error('the quickstart bundle does not compile');
  const bundle = loadBundle(compiled.bundle, crypto);
  const directory = await mkdtemp(join(tmpdir(), 'pf-bench-'));
  const origin = 'bench.example/log';
  const keys = await openKeyRing(join(directory, 'keys'), { origin, create: true });
  const signer = keys.evidenceSigner();
  const emit = () => undefined;
  const openLog = (name: string) =>
    openFileLog({
      directory: join(directory, name),
      origin,
      crypto,
      signer: keys.logSigner(),
      verifiers: keys.logVerifiers(),
      records: openRecordSealer({ directory: join(directory, 'keys'), emit }),
      emit,
    });
  const [log, alone] = [await openLog('log'), await openLog('alone')];
  let time = Date.parse('2026-01-01T00:00:00.000Z');
  const now = () => ++time;
  const journal: Journal = {
    heads: () => log.heads(),
    head: (tenant, session) => log.head(tenant, session),
    readSession: (tenant, session) => log.readSession(tenant, session),
    commit(commit) {
      fabric.onCommit?.(commit);
      return log.commit(commit);
    },
  };
  const enforcer = new Enforcer({
    crypto,
    signer,
    random: pooledRandomness(),
    bundle,
    journal,
    clock: { now },
    surroundings: { environment: () => ENFORCED, epoch: () => 1 },
    observer: { decided() {}, settled() {}, overdue() {}, approval() {}, unavailable() {} },
    sessionIdleMs: 60_000,
    maxSessions: 1000,
  });
  const fabric: BenchFabric = {
    crypto,
    bundle,
    signer,
    log,
    onCommit: undefined,
    alone,
    enforcer,
    async close() {
      await enforcer.close();
      await log.close();
      await alone.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return fabric;
}
