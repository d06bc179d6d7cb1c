// Records accesses on a real log until it is killed: `accessed <id>` for each that was answered. Rows go into a file, each
// in one write, so that what a kill leaves of them is whole lines.
import { randomBytes, randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCrypto, openFileLog, openKeyRing, openRecordSealer } from '@provability-fabric/evidence';
import { createAuditTrail } from '../audit-trail/audit-trail.ts';

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
const file = openSync(join(directory, 'rows'), 'a');
const trail = createAuditTrail({
  journal: log,
  rows: {
    async append(rows) {
      writeSync(file, rows.map(({ id, statementDigest }) => `${id} ${statementDigest}\n`).join(''));
    },
  },
  crypto,
  signer: ring.evidenceSigner(),
  random: (length) => new Uint8Array(randomBytes(length)),
  logId: log.id,
  provider: 'embedded',
  sessionLength: 16,
});

async function call(number: number): Promise<never> {
  for (;;) {
    const id = randomUUID();
    const tenant = number % 2 === 0 ? 'acme' : 'globex';
    const what = { action: 'READ', secret: 'db/primary', version: 1, result: 'SUCCESS' } as const;
    await trail.record({ id, tenant, principal: 'agent-1', ...what, details: {}, at: Date.now() });
    writeSync(1, `accessed ${id}\n`);
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, number) => call(number)));
