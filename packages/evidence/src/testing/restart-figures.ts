// How long a log takes to open: `npx tsx packages/evidence/src/testing/restart-figures.ts [statements] [bytes]`.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asDigest, type Digest } from '@provability-fabric/kernel';
import { openTestLog, temporaryFolders } from './log-fixture.ts';

const [statements = '200000', bytes = '1900'] = process.argv.slice(2);
const SESSION_STATEMENTS = 20;
const SALT = new Uint8Array(32);

const folders = temporaryFolders();
const directory = await folders.make();
const { log } = await openTestLog(directory, { checkpointEveryMs: 150, checkpointEveryEntries: 1024 });
const envelope = Buffer.alloc(Math.floor(Number(bytes) * 0.66), 'e');
const record = Buffer.alloc(Number(bytes) - envelope.length, 'r');
let session = 0;

async function fill(): Promise<void> {
  while (session < Number(statements) / SESSION_STATEMENTS) {
    const name = `session-${session++}`;
    let digest: Digest | null = null;
    for (let seq = 0; seq < SESSION_STATEMENTS; seq++) {
      const next = asDigest(seq.toString(16).padStart(64, '0'));
      const entries = [{ seq, digest: next, envelope, salt: SALT, record }];
      await log.commit({
        tenant: 'acme',
        session: name,
        expectedSeq: seq - 1,
        expectedDigest: digest,
        entries,
      });
      digest = next;
    }
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: 256 }, fill));
await log.close();
const filled = (performance.now() - began) / 1000;
let size = 0;
const journal = join(directory, 'journal');
for (const name of await readdir(journal)) size += (await stat(join(journal, name))).size;
console.info(`${log.size} statements, ${(size / 1e6).toFixed(0)} MB, committed in ${filled.toFixed(1)} s`);

async function measure(what: string, before: () => Promise<void> = async () => undefined): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    await before();
    const start = performance.now();
    const opened = await openTestLog(directory);
    times.push(performance.now() - start);
    await opened.log.close();
  }
  times.sort((a, b) => a - b);
  const [fastest, , median, , slowest] = times.map((ms) => ms.toFixed(0));
  console.info(`${what}: median ${median} ms (${fastest} to ${slowest}, n=5), Node ${process.version}`);
}

await measure('open');
await measure('open without indexes', async () => {
  for (const name of await readdir(journal)) if (name.endsWith('.idx')) await rm(join(journal, name));
});
await folders.removeAll();
