import { spawn } from 'node:child_process';
import { createPublicKey, randomBytes, verify as verifySignature } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalGovernor, openGovernance } from '@provability-fabric/fabric';
import {
  type BoundManifest,
  bindManifest,
  type ChangeManifest,
  createSandbox,
  fileSigner,
  GovernorError,
  generateKey,
  makeWorkspace,
  parseManifest,
  signManifest,
} from '@provability-fabric/governor';
import { fromBase64, type JsonValue, preAuthEncoding } from '@provability-fabric/kernel';

const FILES = 100;
/** So that a hundred of them are below the 512 KiB of a manifest. */
const FILE_BYTES = 4_000;
const PROPOSALS = 200;
const CALLER = { principal: 'bench', actor: 'cli' } as const;
const LIMITS = { verifyPerSecond: 2_000, planMs: 50, sandboxMs: 50, applyMs: 500 };

interface Bench {
  readonly governor: LocalGovernor;
  readonly keys: string;
  readonly root: string;
}

/** The governor with everything that a deployment has but HTTP: policy, lock, journal, record. False where a figure is missed. */
export async function run(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-bench-governor-'));
  const [root, data] = [join(folder, 'tree'), join(folder, 'data')];
  const keys = join(data, 'keys');
  await mkdir(join(root, 'src'), { recursive: true });
  await mkdir(data, { mode: 0o700 });
  const policyFile = join(folder, 'policy.yaml');
  await writeFile(
    policyFile,
    'safe_mode: false\nrequire_tests: false\nautonomy_tier: beta\nallow_paths: [src/]\n',
  );
  for (let at = 0; at < FILES; at++) await writeFile(join(root, 'src', `${at}.txt`), text(at, 'before'));
  const making = { now: Date.now, random: (length: number) => randomBytes(length) };
  await generateKey(keys, { keyId: 'default', role: 'human' }, making);
  const governor = await openGovernance().open(
    { dataDir: data, keysDir: keys, projectRoot: root, policyFile },
    'change',
  );
  try {
    const bench = { governor, keys, root };
    // One after the other: they share two cores.
    const reached = [
      await verifying(bench),
      await planning(bench),
      await starting(),
      await applying(bench, folder),
      await crowding(bench),
    ];
    return !reached.includes(false);
  } finally {
    await governor.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function verifying({ governor, keys }: Bench): Promise<boolean> {
  const envelope = (await signed({ governor, keys }, change(0, 1))) as { [name: string]: JsonValue };
  const [{ sig }] = envelope.signatures as [{ sig: string }];
  const message = preAuthEncoding(envelope.payloadType as string, fromBase64(envelope.payload as string));
  const key = createPublicKey({
    key: Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from((await fileSigner(keys, 'default')).publicKey),
    ]),
    format: 'der',
    type: 'spki',
  });
  const signature = Buffer.from(sig, 'base64');
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < 9; round++) {
    ours.push(await perSecond(1_000, () => governor.verify(CALLER, envelope)));
    peer.push(await perSecond(1_000, async () => void verifySignature(null, message, key, signature)));
  }
  const median = of(ours, 0.5);
  console.log(
    `verify an envelope: ${spread(ours)} a second, n 9 × 1,000; the bare Ed25519 verification: ${spread(peer)}`,
  );
  return missed(median >= LIMITS.verifyPerSecond, `${LIMITS.verifyPerSecond} a second`);
}

async function planning({ governor }: Bench): Promise<boolean> {
  const manifest = change(0, FILES) as unknown as JsonValue;
  const times: number[] = [];
  for (let round = 0; round < 60; round++) {
    const started = performance.now();
    const { verdict, reasons } = await governor.plan(CALLER, manifest);
    times.push(performance.now() - started);
    if (verdict !== 'approved') throw new Error(`expected the plan to be approved: ${reasons.join('; ')}`);
  }
  const settled = times.slice(10);
  console.log(`plan of ${FILES} files, ${FILE_BYTES} bytes each: ${spread(settled)} ms, n ${settled.length}`);
  return missed(of(settled, 0.5) <= LIMITS.planMs, `${LIMITS.planMs} ms`);
}

async function starting(): Promise<boolean> {
  const workspace = await makeWorkspace(tmpdir());
  const sandbox = createSandbox({ now: () => performance.now(), workspaces: tmpdir(), hidden: [] });
  const { tier, engine } = await sandbox.ability();
  const limits = {
    timeoutMs: 10_000,
    memoryBytes: 512 * 1024 * 1024,
    pids: 100,
    cpus: 1,
    fileBytes: 1024 * 1024,
    diskBytes: 64 * 1024 * 1024,
    outputBytes: 1024 * 1024,
  };
  const [ours, peer]: [number[], number[]] = [[], []];
  try {
    for (let round = 0; round < 60; round++) {
      peer.push(await timed(plainly));
      ours.push(
        await timed(() =>
          sandbox.run({ folder: workspace.folder, commands: ['true'], limits, readOnly: [] }),
        ),
      );
    }
  } finally {
    await workspace.remove();
  }
  const over = of(ours, 0.5) - of(peer, 0.5);
  console.log(
    `sandboxed command (${engine}, ${tier}): ${spread(ours)} ms; the command itself: ${spread(peer)} ms, n ${ours.length}; ` +
      `over it ${over.toFixed(1)} ms`,
  );
  return missed(over <= LIMITS.sandboxMs, `${LIMITS.sandboxMs} ms over the command`);
}

async function applying(bench: Bench, folder: string): Promise<boolean> {
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let round = 0; round < 15; round++) {
    const envelope = await signed(bench, change(round + 1, FILES));
    ours.push(await timed(() => bench.governor.apply(CALLER, { signed_envelope: envelope })));
    peer.push(await timed(() => writtenPlainly(join(folder, `plain-${round}`), round)));
  }
  console.log(
    `apply of ${FILES} files, on record and durable: ${spread(ours)} ms; the same files written and synced one by one, ` +
      `neither whole nor recorded: ${spread(peer)} ms, n ${ours.length}`,
  );
  return missed(of(ours, 0.5) <= LIMITS.applyMs, `${LIMITS.applyMs} ms`);
}

async function crowding(bench: Bench): Promise<boolean> {
  const envelopes = [];
  for (let at = 0; at < PROPOSALS; at++) envelopes.push(await signed(bench, change(1_000 + at, 3)));
  const started = performance.now();
  const ends = await Promise.all(
    envelopes.map((signed_envelope) =>
      bench.governor.apply(CALLER, { signed_envelope }).then(
        () => 'applied',
        (error: unknown) => (error instanceof GovernorError ? error.code : 'lost'),
      ),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  const applied = ends.filter((end) => end === 'applied').length;
  const stale = ends.filter((end) => end === 'STALE_BASE').length;
  console.log(
    `${PROPOSALS} changes of one base at once: ${applied} applied, ${stale} refused as stale, ` +
      `${PROPOSALS - applied - stale} anything else, in ${seconds.toFixed(1)} s`,
  );
  return missed(applied === 1 && stale === PROPOSALS - 1, 'one applied, all others refused as stale');
}

async function signed({ governor, keys }: Omit<Bench, 'root'>, manifest: ChangeManifest): Promise<JsonValue> {
  const { tree, policy } = await governor.status();
  if (policy === null) throw new Error('expected a policy in force');
  const bound: BoundManifest = bindManifest(manifest, {
    base_tree: tree.digest,
    policy: { digest: policy.digest, version: policy.version },
    expires_at: new Date(Date.now() + 600_000).toISOString(),
    idempotency_key: randomBytes(16).toString('hex'),
  });
  return (await signManifest(bound, [await fileSigner(keys, 'default')])) as unknown as JsonValue;
}

/** One line of each file, another one in each version. */
function change(version: number, files: number): ChangeManifest {
  const paths = Array.from({ length: files }, (_, at) => `src/${at}.txt`);
  return parseManifest({
    targets: paths,
    edits: paths.map((path) => ({
      path,
      op: 'replace',
      start: 0,
      end: 0,
      text: `version ${version} `.padEnd(FILE_BYTES - 100, '.'),
    })),
    tests: [],
    rationale: 'a change of the benchmark',
  });
}

function text(at: number, word: string): string {
  return `${word} ${at}\n`.padEnd(FILE_BYTES, '.');
}

async function writtenPlainly(folder: string, round: number): Promise<void> {
  await mkdir(folder);
  for (let at = 0; at < FILES; at++) {
    const file = await open(join(folder, `${at}.txt`), 'w');
    await file.writeFile(text(at, `version ${round}`));
    await file.sync();
    await file.close();
  }
}

function plainly(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', 'true'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function perSecond(times: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let at = 0; at < times; at++) await work();
  return (times * 1000) / (performance.now() - started);
}

function of(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? Number.NaN;
}

function spread(values: readonly number[]): string {
  const digits = of(values, 0.5) > 100 ? 0 : 1;
  const [median, low, high] = [0.5, 0.05, 0.95].map((quantile) => of(values, quantile).toFixed(digits));
  return `${median} (p5 ${low}, p95 ${high})`;
}

function missed(reached: boolean, wanted: string): boolean {
  if (!reached) console.log(`  missed: wanted ${wanted}`);
  return reached;
}
