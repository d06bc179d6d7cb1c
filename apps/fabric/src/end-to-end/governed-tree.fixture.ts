// Test code only: a tree, its policy and its signers, and the governor that `pf serve` and `safeai` make of them.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  bindManifest,
  type FileWrite,
  fileSigner,
  generateKey,
  manifestHash,
  parseManifest,
  type SignerRole,
  signManifest,
} from '@provability-fabric/governor';
import { asDigest, type JsonValue } from '@provability-fabric/kernel';
import { PF, SAFEAI } from './built-programs.fixture.ts';
import { GovernorClient, type Tree } from './governor-client.fixture.ts';
import { token } from './http-client.fixture.ts';
import { type Json, loggedIn, temporaryFolder } from './pf-process.fixture.ts';
import { Program } from './program.fixture.ts';

export type Environment = Readonly<Record<string, string>>;

export interface GovernedOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of policy.yaml, in the place of those that every test begins with or beside them. */
  readonly policy?: readonly string[];
  readonly environment?: Environment;
}

/** A policy under which whatever is signed lands. */
const LENIENT = [
  'autonomy_tier: stable',
  'safe_mode: false',
  'require_tests: false',
  'min_rationale_length: 0',
  'sandbox: {tier: rlimits}',
];

const MINUTE_MS = 60_000;

/** Everything of one governor, in a folder of its own. */
export class Governed {
  readonly root = temporaryFolder();
  readonly tree: string;
  readonly data = join(this.root, 'data');
  readonly keys = join(this.data, 'keys');
  readonly policyFile = join(this.root, 'policy.yaml');
  readonly environment: Environment;
  readonly #policy: readonly string[];

  constructor({ files = {}, policy = [], environment = {} }: GovernedOptions = {}, tree?: string) {
    this.tree = tree ?? join(this.root, 'tree');
    mkdirSync(this.tree, { recursive: true });
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.#policy = [...LENIENT, ...policy];
    this.policy('version: 1');
    this.environment = {
      SAFEAI_DATA_DIR: this.data,
      SAFEAI_PROJECT_ROOT: this.tree,
      SAFEAI_POLICY_FILE: this.policyFile,
      ...environment,
    };
  }

  /** Lines of policy.yaml, in the place of those that the tree began with or beside them. */
  policy(...lines: readonly string[]): void {
    const last = new Map([...this.#policy, ...lines].map((line) => [line.split(':')[0], line]));
    writeFileSync(this.policyFile, `${[...last.values()].join('\n')}\n`);
  }

  write(path: string, text: string): void {
    const file = join(this.tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(path: string): string {
    return readFileSync(join(this.tree, path), 'utf8');
  }

  async key(keyId: string, role: SignerRole = 'human'): Promise<void> {
    const making = { now: Date.now, random: (length: number) => new Uint8Array(randomBytes(length)) };
    await generateKey(this.keys, { keyId, role }, making);
  }

  /** A manifest bound to the tree and policy that the governor told of, signed by these keys. */
  async sign(manifest: Json, { tree, policy }: Tree, more: Signing = {}): Promise<Signed> {
    const {
      by = ['default'],
      key = randomUUID(),
      expires = Date.now() + 10 * MINUTE_MS,
      base = tree.digest,
    } = more;
    const bound = bindManifest(parseManifest(manifest as unknown as JsonValue), {
      base_tree: asDigest(base),
      policy: {
        digest: asDigest(more.policy?.digest ?? policy.digest),
        version: more.policy?.version ?? policy.version,
      },
      expires_at: new Date(expires).toISOString(),
      idempotency_key: key,
    });
    const signers = await Promise.all(by.map((id) => fileSigner(this.keys, id)));
    const envelope = await signManifest(bound, signers);
    return { envelope: envelope as unknown as Json, hash: manifestHash(nodeCrypto(), bound), key };
  }

  serve(environment: Environment = {}, options: readonly string[] = []): GovernorService {
    return new GovernorService(this, { ...this.environment, ...environment }, options);
  }

  /** `safeai` in a process of its own, to its end. */
  async safeai(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
    const program = this.startSafeai(...args);
    program.closeInput();
    const { code } = await program.ended;
    return { code, out: program.out.text, err: program.err.text };
  }

  startSafeai(...args: readonly string[]): Program {
    const env = { ...this.environment, USER: 'tester' };
    return new Program(process.execPath, [SAFEAI, ...args], { cwd: this.root, env });
  }

  /** What `safeai` printed as JSON; throws with its complaint where it does not end with 0. */
  async said(...args: readonly string[]): Promise<Json> {
    const { code, out, err } = await this.safeai(...args, '--json');
    if (code === 0) return JSON.parse(out) as Json;
    throw new Error(`expected safeai ${args[0]} to end with 0, it ended with ${code}:\n${out}\n${err}`);
  }
}

export interface Signing {
  readonly by?: readonly string[];
  readonly key?: string;
  /** ms since 1970. */
  readonly expires?: number;
  readonly base?: string;
  readonly policy?: { readonly digest?: string; readonly version?: number };
}

export interface Signed {
  readonly envelope: Json;
  readonly hash: string;
  readonly key: string;
}

/** `pf serve governor`; its log is on stdout. */
export class GovernorService extends Program {
  readonly #governed: Governed;

  constructor(governed: Governed, env: Environment, options: readonly string[]) {
    const listen = ['--listen-governor', '127.0.0.1:0'];
    super(process.execPath, [PF, 'serve', 'governor', ...listen, ...options], { cwd: governed.root, env });
    this.#governed = governed;
  }

  logged(event: string): Promise<Json> {
    return loggedIn(this.out, event);
  }

  async url(): Promise<string> {
    return `http://127.0.0.1:${(await this.logged('listening')).port}`;
  }

  /** Somebody with a token of the data folder's own issuer. */
  async client(role = 'admin', principal: string = role): Promise<GovernorClient> {
    const url = await this.url();
    const claims = { sub: principal, aud: 'governor', tenant: 'platform', org: 'platform', roles: [role] };
    return new GovernorClient(url, await token(this.#governed.data, claims as never));
  }

  async stop() {
    this.kill('SIGTERM');
    return this.ended;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A manifest of whole files; null is a file that is deleted, and `before` says what was there. */
export function change(
  files: Readonly<Record<string, string | null>>,
  { before = {}, tests = [], rationale = 'as it was asked for' }: ChangeWords = {},
): Json {
  const writes = Object.entries(files).map(([path, text]): FileWrite => {
    const was = before[path];
    return {
      path,
      base: was === undefined ? null : asDigest(sha256(was)),
      content: text === null ? null : { text },
    };
  });
  const manifest = { targets: Object.keys(files), files: writes, edits: [], diffs: [] };
  return { ...manifest, tests, rationale, version: '1.0.0' } as unknown as Json;
}

export interface ChangeWords {
  readonly before?: Readonly<Record<string, string>>;
  readonly tests?: readonly string[];
  readonly rationale?: string;
}
