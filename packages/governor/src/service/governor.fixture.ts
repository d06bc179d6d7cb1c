import { randomUUID } from 'node:crypto';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { Envelope, JsonValue } from '@provability-fabric/kernel';
import { onTestFinished } from 'vitest';
import { trailOn } from '../audit/audit.fixture.ts';
import type { ChangeEvent } from '../audit/change-event.ts';
import { openChangeRecord } from '../audit/change-record.ts';
import { createClaims } from '../gate/claims.ts';
import { ringOf, type TestKey, testKey } from '../gate/gate.fixture.ts';
import { signManifest } from '../gate/sign-manifest.ts';
import { verifyEnvelope } from '../gate/verify-envelope.ts';
import type { KeyRing } from '../keys/ring.ts';
import { createKillSwitch } from '../kill-switch/create-kill-switch.ts';
import {
  type fakeKillSource,
  fakeKillSource as killSource,
} from '../kill-switch/fake-kill-source.fixture.ts';
import { bindManifest, parseManifest } from '../manifest/parse-manifest.ts';
import type { LoadedPolicy } from '../policy/load-policy.ts';
import { loadPolicy, OPEN_POLICY } from '../policy/policy.fixture.ts';
import { fileProposals } from '../proposals/file-proposals.ts';
import type { SandboxResult } from '../sandbox/sandbox.ts';
import { openTree } from '../tree/open-tree.ts';
import { type TemporaryPlace, temporaryPlace, writeFiles } from '../tree/tree.fixture.ts';
import { createGovernor, type Governor } from './governor.ts';
import { policyInForce } from './policy-in-force.ts';
import type { GovernorParts } from './ports.ts';

export const CALLER = { principal: 'alice', actor: 'api' } as const;
const PASSED: SandboxResult = {
  rc: 0,
  stdout: '',
  stderr: '',
  duration_ms: 1,
  timed_out: false,
  end: 'exited',
  commands: 1,
  stdout_bytes: 0,
  stderr_bytes: 0,
  tier: 'rlimits',
  engine: 'fake',
};

/** What a test may change while the governor is at work. */
export interface Levers {
  now: number;
  ring: KeyRing;
  policy: LoadedPolicy;
  /** In the place of tests in a sandbox. */
  tests: () => Promise<SandboxResult>;
  /** Right after the change was prepared, before its first file is touched. */
  prepared: () => Promise<void>;
}

export interface TestGovernor {
  readonly governor: Governor;
  readonly parts: GovernorParts;
  readonly levers: Levers;
  /** What went on record, in order. */
  readonly events: readonly ChangeEvent[];
  readonly place: TemporaryPlace;
  readonly sentinel: ReturnType<typeof fakeKillSource>;
  readonly redis: ReturnType<typeof fakeKillSource>;
  readonly key: TestKey;
  /** The change as it can be applied now, for an hour. */
  sign(manifest: JsonValue, keys?: readonly TestKey[]): Promise<Envelope>;
}

/** A governor of a real tree; what stands in for the sandbox and the other places of the kill switch does as a test says. */
export async function testGovernor(
  files: Readonly<Record<string, string>> = { 'a.txt': 'one\n' },
): Promise<TestGovernor> {
  const place = temporaryPlace();
  writeFiles(place.root, files);
  const crypto = nodeCrypto();
  const key = testKey('alice');
  const levers: Levers = {
    now: Date.now(),
    ring: ringOf(key),
    policy: await loadPolicy(`${OPEN_POLICY}sandbox: {tier: rlimits}\n`),
    tests: async () => PASSED,
    prepared: async () => undefined,
  };
  const now = () => levers.now;
  const tree = await openTree(place.root, { crypto, now });
  onTestFinished(() => {
    tree.close();
    place.remove();
  });
  const { trail, source } = trailOn();
  const record = openChangeRecord({ source, crypto });
  const sentinel = killSource('sentinel', null);
  const redis = killSource('redis', null);
  const events: ChangeEvent[] = [];
  const lock: GovernorParts['lock'] = { withLock: (work) => work(() => levers.prepared()) };
  const parts: GovernorParts = {
    crypto,
    tree,
    lock,
    record,
    gate: { verify: async (envelope) => verifyEnvelope({ crypto, ring: levers.ring }, envelope) },
    claims: createClaims([]),
    policies: { load: async () => levers.policy },
    sandbox: {
      ability: async () => ({ tier: 'rlimits', engine: 'fake', missing: [] }),
      run: () => levers.tests(),
    },
    recorder: {
      async record(event) {
        const recorded = await trail.record(event);
        events.push(event);
        return recorded;
      },
      async positionOf() {
        await record.catchUp();
        return { index: record.count - 1, merkle_root: '00'.repeat(32) };
      },
    },
    kill: await createKillSwitch([sentinel, redis]),
    proposals: await fileProposals(place.beside('proposals'), { crypto, now, lock }),
    workspaces: { make: async () => ({ folder: place.beside(randomUUID()), remove: async () => undefined }) },
    observer: {
      planned: () => undefined,
      verified: () => undefined,
      applied: () => undefined,
      rolledBack: () => undefined,
      sandboxed: () => undefined,
      recorded: () => undefined,
    },
    now,
    newId: randomUUID,
  };
  return {
    governor: createGovernor({ ...parts, position: async () => null }),
    parts,
    levers,
    events,
    place,
    sentinel,
    redis,
    key,
    async sign(manifest, keys = [key]) {
      await record.catchUp();
      const { identity } = await policyInForce(parts.policies, record);
      const bound = bindManifest(parseManifest(manifest), {
        base_tree: (await tree.state()).digest,
        policy: identity,
        expires_at: new Date(levers.now + 3_600_000).toISOString(),
        idempotency_key: randomUUID(),
      });
      return signManifest(
        bound,
        keys.map(({ signer }) => signer),
      );
    },
  };
}

/** A change of a.txt. */
export function writing(text: string, tests: readonly string[] = []): JsonValue {
  return {
    targets: ['a.txt'],
    edits: [{ path: 'a.txt', op: 'replace', start: 0, end: 0, text }],
    tests: [...tests],
    rationale: 'says what it should say',
  };
}
