// Commits as fast as it can to several sessions until it is killed, and prints each commit once it was
// answered, and each checkpoint once it was published: what a killed fabric had promised.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { asDigest, type Digest, hex } from '@provability-fabric/kernel';
import { openFileLog } from '../file-log/file-log.ts';
import { openRecordSealer } from '../file-log/record-sealer.ts';
import { openKeyRing } from '../keys/key-ring.ts';
import { nodeCrypto } from '../node-crypto.ts';

const [directory = '', origin = '', sessions = '8'] = process.argv.slice(2);
const crypto = nodeCrypto();
const keys = join(directory, 'keys');
const ring = await openKeyRing(keys, { origin, create: true, crypto });
const say = (line: string) => writeSync(1, `${line}\n`);
const log = await openFileLog({
  directory,
  origin,
  crypto,
  signer: ring.logSigner(),
  verifiers: ring.logVerifiers(),
  records: openRecordSealer({ directory: keys, emit: () => undefined }),
  emit: (event, details) => say(`event ${event} ${JSON.stringify(details)}`),
  checkpointEveryMs: 15,
  segmentBytes: 200_000,
});
say(`open ${log.size}`);

async function commitForEver(session: string): Promise<void> {
  const head = log.head('acme', session);
  let [seq, digest]: [number, Digest | null] = [head?.seq ?? -1, head?.digest ?? null];
  for (;;) {
    const count = 1 + ((seq + 2) % 3);
    const entries = Array.from({ length: count }, (_, position) => {
      const name = new TextEncoder().encode(`${session}/${seq + 1 + position}`);
      const salt = crypto.sha256(name);
      return { seq: seq + 1 + position, digest: asDigest(hex(salt)), envelope: name, salt, record: name };
    });
    const result = await log.commit({
      tenant: 'acme',
      session,
      expectedSeq: seq,
      expectedDigest: digest,
      entries,
    });
    if (!result.ok) throw new Error('stale');
    ({ seq, digest } = entries.at(-1) as (typeof entries)[0]);
    say(`acked ${session} ${seq} ${result.firstIndex + count - 1}`);
  }
}

let published = '';
setInterval(() => {
  const { note } = log.checkpoint();
  if (note !== published) say(`checkpoint ${JSON.stringify(note)}`);
  published = note;
}, 5);
await Promise.all(Array.from({ length: Number(sessions) }, (_, i) => commitForEver(`s${i}`)));
