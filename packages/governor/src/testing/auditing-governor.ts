// Records steps on a real log, and keeps the view up to them, until it is killed: `recorded <index> <root>` for each that was
// answered.
import { randomBytes, randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nodeCrypto, openFileLog, openKeyRing, openRecordSealer } from '@provability-fabric/evidence';
import { asDigest } from '@provability-fabric/kernel';
import { createChangeTrail } from '../audit/change-trail.ts';
import { journalChanges } from '../audit/journal-changes.ts';
import { openAuditView } from '../audit/view/audit-view.ts';

const [directory = '', origin = '', callers = '1'] = process.argv.slice(2);
const crypto = nodeCrypto();
const keys = join(directory, 'keys');
const ring = await openKeyRing(keys, { origin, create: true, crypto });
const emit = () => undefined;
const log = await openFileLog({
  directory,
  origin,
  crypto,
  signer: ring.logSigner(),
  verifiers: ring.logVerifiers(),
  records: openRecordSealer({ directory: keys, emit }),
  emit,
});
const place = { logId: log.id, tenant: 'acme' };
const trail = createChangeTrail({
  ...place,
  journal: log,
  crypto,
  signer: ring.evidenceSigner(),
  random: (length) => new Uint8Array(randomBytes(length)),
  sessionLength: 16,
});
const view = await openAuditView({
  path: join(directory, 'audit.log'),
  source: journalChanges({ log, ...place }),
  crypto,
  tenant: place.tenant,
  keys: () => ring.evidenceKeys(),
  pause: (ms) => pause(ms),
  maxBytes: 60_000,
});

async function call(): Promise<never> {
  for (;;) {
    const { statement } = await trail.record({
      id: randomUUID(),
      kind: 'change-applied',
      at: Date.now(),
      actor: 'api',
      principal: 'alice',
      manifest: asDigest(randomBytes(32).toString('hex')),
      idempotencyKey: randomUUID(),
      reverts: null,
      verdict: 'approved',
      errorCode: null,
      detail: null,
      signers: [],
      policy: null,
      tree: null,
      files: [],
      sandbox: null,
      outputDigest: null,
      commit: null,
    });
    const { index, merkle_root: root } = await view.positionOf(statement);
    writeSync(1, `recorded ${index} ${root}\n`);
  }
}

await Promise.all(Array.from({ length: Number(callers) }, call));
