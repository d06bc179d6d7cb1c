// A governor of a git repository under load, killed again and again; what it answered is held against tree, commits and record.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import {
  bindManifest,
  fileSigner,
  generateKey,
  type KeySigner,
  parseManifest,
  signManifest,
} from '@provability-fabric/governor';
import type { Digest, JsonValue } from '@provability-fabric/kernel';
import type { Trial } from '../case.ts';
import { type Answered, type GovernorProcess, startGovernor } from './governor-process.ts';

interface Asked {
  readonly name: string;
  readonly hash: string;
  /** undefined: nobody answered. */
  readonly status: number | undefined;
  readonly code: string;
}

interface Line {
  readonly kind: string;
  readonly change_id: string;
  readonly manifest_sha256: string | null;
  readonly reverts: string | null;
  readonly tree: { readonly before: string; readonly after: string } | null;
}

const POLICY = [
  'version: 1',
  'autonomy_tier: stable',
  'safe_mode: false',
  'require_tests: false',
  'min_rationale_length: 0',
  'sandbox: {tier: rlimits}',
  'git: {commit: true}',
];
const FILES = ['a.txt', 'b/c.txt'];
const WORKERS = 3;
/** A machine that is held up for 700 ms counts as one that was told to stop. */
const FORESEEN = ['STALE_BASE', 'KILLED'];
const SECOND_MS = 1_000;
const A_LITTLE_MS = 500;
const PATIENCE_MS = 10 * SECOND_MS;

export class GovernedSite {
  readonly #trial: Trial;
  readonly #root: string;
  readonly #data: string;
  readonly #asked: Asked[] = [];
  #signer: KeySigner | undefined;
  #governor: GovernorProcess | undefined;
  #bearer = '';
  #made = 0;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#root = trial.bench.newFolder();
    this.#data = join(this.#root, 'data');
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** A connection that is gone is known a little before the process is. */
  async hasEnded(): Promise<boolean> {
    return Promise.race([this.#running.exited.then(() => true), sleep(A_LITTLE_MS, false)]);
  }

  async prepare(): Promise<void> {
    mkdirSync(this.#tree, { recursive: true });
    writeFileSync(join(this.#root, 'policy.yaml'), `${POLICY.join('\n')}\n`);
    writeFileSync(join(this.#tree, 'README.md'), 'a tree\n');
    this.#git('init', '--quiet', '--initial-branch=main');
    this.#git('add', '--all');
    this.#git('commit', '--quiet', '--message=by a person');
    const keys = join(this.#data, 'keys');
    const making = { now: Date.now, random: (length: number) => new Uint8Array(randomBytes(length)) };
    await generateKey(keys, { keyId: 'default', role: 'human' }, making);
    this.#signer = await fileSigner(keys, 'default');
    await this.start();
  }

  async start(): Promise<void> {
    const { tally, bench } = this.#trial;
    this.#governor = await startGovernor(bench.program, {
      cwd: this.#root,
      env: {
        SAFEAI_DATA_DIR: this.#data,
        SAFEAI_PROJECT_ROOT: this.#tree,
        SAFEAI_POLICY_FILE: join(this.#root, 'policy.yaml'),
      },
    });
    tally.startsMs.push(this.#governor.startedMs);
    const origin = this.#origin();
    const key = (await openKeyRing(join(this.#data, 'keys'), { origin, create: false })).tokenKey();
    const whose = { sub: 'ann', aud: 'governor', tenant: 'platform', org: 'platform' } as const;
    const claims = { ...whose, roles: ['admin'], caps: [], epoch: 1, ttlSeconds: 3600 };
    this.#bearer = await issueToken(claims, { name: origin, key, now: Date.now(), jti: randomUUID() });
  }

  /** Changes and takes back, until so many were answered, so long has passed, or the governor is gone. */
  async load({ answers, ms }: { readonly answers: number; readonly ms: number }): Promise<void> {
    const end = Date.now() + ms;
    const enough = this.#trial.tally.answered + answers;
    const more = () => this.#running.running && Date.now() < end && this.#trial.tally.answered < enough;
    await Promise.all(
      Array.from({ length: WORKERS }, async (_, worker) => {
        while (more()) if (!(await this.#change(worker))) return;
      }),
    );
  }

  /** Once so many more were answered, or after a while. */
  async answered(count: number): Promise<void> {
    const [enough, end] = [this.#trial.tally.answered + count, Date.now() + PATIENCE_MS];
    while (this.#trial.tally.answered < enough && Date.now() < end) await sleep(5);
  }

  async kill(): Promise<void> {
    this.#running.kill();
    await this.#running.exited;
    this.#trial.tally.points += 1;
  }

  /** Starts it again, and examines all that it ever answered. */
  async recover(where: string): Promise<void> {
    await this.start();
    this.#trial.tally.restarts += 1;
    await this.#settled(where);
    for (const problem of await this.#problems()) this.#trial.tally.problems.push(`${where}: ${problem}`);
  }

  /** What a killed governor left running, such as git, may hold its successor up for a moment. */
  async #settled(where: string): Promise<void> {
    const { notes } = this.#trial.tally;
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(50)) {
      const health = await this.#ask('GET', '/health');
      if (health?.status === 200) return;
      const problem = JSON.stringify(health?.body ?? 'no answer').slice(0, 300);
      const note = `${where}, at first: ${problem.replace(/"uptime":\d+,/, '')}`;
      if (!notes.includes(note)) notes.push(note);
      if (Date.now() > end) throw new Error(`expected it to be well after a while: ${note}`);
    }
  }

  async finish(): Promise<void> {
    const { code } = await this.#running.stop();
    if (code !== 0) this.#trial.tally.problems.push(`expected it to stop with 0, it stopped with ${code}`);
  }

  get #tree(): string {
    return join(this.#root, 'tree');
  }

  get #running(): GovernorProcess {
    if (this.#governor === undefined) throw new Error('expected a governor that was started');
    return this.#governor;
  }

  #origin(): string {
    const [file = ''] = readdirSync(join(this.#data, 'keys')).filter((name) => /^log\..*\.vk$/.test(name));
    return readFileSync(join(this.#data, 'keys', file), 'utf8').split('+')[0] as string;
  }

  #git(...args: readonly string[]): string {
    const who = ['-c', 'user.name=Person', '-c', 'user.email=person@example.test'];
    return execFileSync('git', [...who, ...args], { cwd: this.#tree, encoding: 'utf8' }).trim();
  }

  #ask(method: string, path: string, body?: unknown): Promise<Answered | undefined> {
    return this.#running.ask({ method, path, bearer: this.#bearer, body });
  }

  /** False where nobody answers any more. */
  async #change(worker: number): Promise<boolean> {
    const { tally } = this.#trial;
    const status = await this.#ask('GET', '/v1/status');
    if (status === undefined) return false;
    const { tree, policy } = status.body as unknown as {
      tree: { digest: Digest };
      policy: { digest: Digest; version: number };
    };
    this.#made += 1;
    const name = `change-${this.#made}`;
    const paths = FILES.map((file) => `each/${name}/${file}`);
    const files = paths.map((path) => ({ path, base: null, content: { text: `${name}\n` } }));
    const manifest = { targets: paths, files, tests: worker === 0 ? ['sleep 0.01'] : [], rationale: name };
    const bound = bindManifest(parseManifest({ ...manifest, version: '1.0.0' } as unknown as JsonValue), {
      base_tree: tree.digest,
      policy: { digest: policy.digest, version: policy.version },
      expires_at: new Date(Date.now() + 600 * SECOND_MS).toISOString(),
      idempotency_key: randomUUID(),
    });
    const envelope = await signManifest(bound, [this.#signer as KeySigner]);
    const hash = createHash('sha256').update(Buffer.from(envelope.payload, 'base64')).digest('hex');
    const answer = await this.#ask('POST', '/v1/apply', { signed_envelope: envelope });
    this.#asked.push({ name, hash, status: answer?.status, code: `${answer?.body.code ?? ''}` });
    if (answer === undefined) {
      tally.inFlight += 1;
      return false;
    }
    tally.answered += 1;
    // Now and then one is taken back again; whether the answer came does not matter, the record says what is.
    if (answer.status === 200 && this.#made % 5 === 0)
      return (await this.#ask('POST', '/v1/rollback', { manifest_hash: hash })) !== undefined;
    return true;
  }

  async #problems(): Promise<readonly string[]> {
    const found: string[] = [];
    const expected = (holds: boolean, problem: string) => {
      if (!holds) found.push(problem);
    };
    const audit = (await this.#ask('GET', '/v1/audit?limit=1000'))?.body as
      | { records: readonly Line[] }
      | undefined;
    const status = (await this.#ask('GET', '/v1/status'))?.body as { tree: { digest: string } } | undefined;
    const verdict = (await this.#ask('GET', '/v1/audit/verify'))?.body;
    if (audit === undefined || status === undefined)
      return ['expected the audit and the status, came nothing'];
    expected(verdict?.valid === true, `expected an audit that holds, came ${JSON.stringify(verdict)}`);
    const lines = audit.records;
    if (lines.length === 1_000)
      return [...found, 'expected fewer records: the case looks at the last thousand'];
    const landed = lines.filter(({ kind }) => kind === 'change-applied' || kind === 'rollback-applied');
    const back = new Set(landed.map(({ reverts }) => reverts).filter((hash) => hash !== null));
    for (const { name, hash, status: told, code } of this.#asked) {
      const times = landed.filter((line) => line.manifest_sha256 === hash).length;
      const isThere = times === 1 && !back.has(hash);
      expected(times <= 1, `${name}: expected it on record at most once, came ${times} times`);
      expected(told !== 200 || times === 1, `${name}: it was answered, and is not on record`);
      expected(
        told === 200 || told === undefined || times === 0,
        `${name}: refused with ${told}, and on record`,
      );
      const isForeseen = told === undefined || told === 200 || FORESEEN.includes(code);
      expected(isForeseen, `${name}: expected another answer, came ${told} ${code}`);
      for (const file of FILES) {
        const path = join(this.#tree, 'each', name, file);
        const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
        expected(
          text === (isThere ? `${name}\n` : undefined),
          `${name}: ${file} is not as the record has it`,
        );
      }
    }
    landed.slice(1).forEach((line, index) => {
      expected(
        line.tree?.before === landed[index]?.tree?.after,
        'a change rests on another tree than was there',
      );
    });
    const last = landed.at(-1);
    expected(
      last === undefined || last.tree?.after === status.tree.digest,
      'the tree is not that of the last change',
    );
    const of = (kinds: RegExp) =>
      lines
        .filter(({ kind }) => kinds.test(kind))
        .map((line) => line.change_id)
        .sort();
    const [begun, ended] = [of(/-started$/), of(/^(?:change|rollback)-(?:applied|failed)$/)];
    expected(begun.join() === ended.join(), `${begun.length} were begun, and ${ended.length} ended`);
    const commits = Number(this.#git('rev-list', '--count', 'HEAD')) - 1;
    expected(commits === landed.length, `expected ${landed.length} commits, came ${commits}`);
    expected(this.#git('status', '--porcelain') === '', 'the tree is not what its last commit has');
    this.#trial.tally.ledgerEntries = lines.length;
    return found;
  }
}
