import { createHash, randomBytes } from 'node:crypto';
import {
  asDigest,
  type Crypto,
  fromBase64,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  BUNDLE_FORMAT,
  type CompiledBundle,
  type Environment,
  loadBundle,
  type Principal,
} from '@provability-fabric/policy';
import { decodeStatement, inputRoot, parseInputRecord, type Statement } from '@provability-fabric/statements';
import { MemoryJournal } from '@provability-fabric/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AuthorizeRequest, Enforcer } from './enforcer.ts';
import type { DecidedEvent, Journal } from './ports.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => true,
};
const ME = { tenant: 'acme', principal: 'agent-1' };
const ZERO = asDigest('0'.repeat(64));
const PUBLIC = { level: 'public', compartments: [], integrity: 'trusted' } as const;
const SECRET = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
const AGENT: Principal = { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} };

function bundleOf(version: number, part: Partial<CompiledBundle> = {}): CompiledBundle {
  const tool = { once: false, returns: PUBLIC, clearance: PUBLIC, parameters: {} };
  const clause = {
    mode: 'enforce',
    severity: 'high',
    owner: 'o',
    expires: null,
    critical: false,
    description: '',
  } as const;
  const any = { tools: null, effects: null };
  return {
    format: BUNDLE_FORMAT,
    name: 'fixture',
    version,
    owner: 'o',
    expires: null,
    tenants: ['acme', 'globex'],
    assurance: 'standard',
    default_mode: 'enforce',
    compiler: 'fixture',
    sources: {},
    constants: {},
    tools: {
      look: { ...tool, effect: 'read', clearance: null },
      read: { ...tool, effect: 'read', returns: SECRET },
      send: { ...tool, effect: 'egress' },
    },
    documents: [],
    stores: {},
    clauses: [
      { ...clause, id: 'all', kind: 'permit' },
      { ...clause, id: 'no-leak', kind: 'flow', rule: 'session_label', on: any },
      { ...clause, id: 'three', kind: 'limit', on: any, max: 3, window_ms: null, tolerance_ms: 0 },
    ],
    cedar: {
      format: 'provability-fabric/cedar/v1',
      schema: null,
      policies: [
        {
          id: 'all',
          effect: 'permit',
          annotations: [],
          principal: { op: 'any' },
          action: { op: 'any' },
          resource: { op: 'any' },
          conditions: [],
          line: 1,
          column: 1,
        },
      ],
    },
    automata: { format: 'provability-fabric/dfa/v1', automata: [] },
    hashes: { policy: ZERO, automata: ZERO, labeler: ZERO },
    ...part,
  };
}

let journal: MemoryJournal;
let now: number;
let environment: Environment;
let epoch: number;
let decided: DecidedEvent[];
let unavailable: number;

beforeEach(() => {
  journal = new MemoryJournal();
  now = 1_700_000_000_000;
  environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };
  epoch = 1;
  decided = [];
  unavailable = 0;
});

/** A fabric as it is after a start; a second one on the same journal is a restart. */
async function start(
  bundle = bundleOf(1),
  over: Partial<{ journal: Journal; maxSessions: number }> = {},
): Promise<Enforcer> {
  const enforcer = new Enforcer({
    crypto,
    signer: { keyid: 'evidence.test', sign: () => new Uint8Array(64) },
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    bundle: loadBundle(bundle, crypto),
    journal: over.journal ?? journal,
    clock: { now: () => now },
    surroundings: { environment: () => environment, epoch: () => epoch },
    observer: {
      decided: (event) => void decided.push(event),
      settled: () => undefined,
      unavailable: () => {
        unavailable += 1;
      },
    },
    sessionIdleMs: 60_000,
    maxSessions: over.maxSessions ?? 100,
  });
  await enforcer.recover();
  return enforcer;
}

function ask(target: string, more: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const action = { kind: 'call', target, args: {} } as const;
  return {
    principal: AGENT,
    capability: null,
    session: 's',
    requestId: `${target}-${Math.random()}`,
    action,
    epoch: null,
    attributes: {},
    ...more,
  };
}

async function statements(session = 's', tenant = 'acme'): Promise<readonly Statement[]> {
  const found: Statement[] = [];
  for await (const { envelope, record } of journal.readSession(tenant, session)) {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
    const statement = decodeStatement(payloadType, fromBase64(payload));
    const root = inputRoot(crypto, parseInputRecord(parseJsonBytes(record as Uint8Array) as JsonValue));
    expect(root).toBe(statement.input_root);
    found.push(statement);
  }
  return found;
}

describe('an action', () => {
  it('is refused, and nothing of it is kept, when its evidence cannot be made durable', async () => {
    const enforcer = await start();
    journal.failure = new Error('no space left');
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect([decided.length, unavailable]).toEqual([0, 1]);
    journal.failure = undefined;
    for (let count = 0; count < 3; count += 1)
      expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(await enforcer.authorize(ask('look'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LIMIT_EXCEEDED', clause: 'three' },
    });
  });

  it('gets the first answer again when its request is repeated, and is refused when other content uses its id', async () => {
    const enforcer = await start();
    const first = await enforcer.authorize(ask('look', { requestId: 'r' }));
    expect(await enforcer.authorize(ask('look', { requestId: 'r' }))).toEqual(first);
    const other = { kind: 'call', target: 'look', args: { x: 1 } } as const;
    await expect(enforcer.authorize(ask('look', { requestId: 'r', action: other }))).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
    expect((await statements()).filter(({ type }) => type === 'permission-certificate')).toHaveLength(1);
    const restarted = await start();
    expect(await restarted.authorize(ask('look', { requestId: 'r' }))).toEqual(first);
    await expect(restarted.authorize(ask('send', { requestId: 'r' }))).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
  });

  it('has a certificate of its own even where tenants choose the same session and request ids', async () => {
    const enforcer = await start();
    const mine = await enforcer.authorize(ask('look', { requestId: 'r' }));
    const theirs = await enforcer.authorize(
      ask('look', { requestId: 'r', principal: { ...AGENT, tenant: 'globex' } }),
    );
    expect(theirs.certificateId).not.toBe(mine.certificateId);
    await expect(
      enforcer.settle({ tenant: 'globex', principal: AGENT.id }, 's', mine.certificateId, 'done', null),
    ).rejects.toMatchObject({ code: 'OUTCOME_REFUSED' });
  });

  it('cannot take over a session of another principal', async () => {
    const enforcer = await start();
    await enforcer.authorize(ask('look'));
    const stranger = ask('look', { principal: { ...AGENT, id: 'agent-2' } });
    expect(await enforcer.authorize(stranger)).toMatchObject({
      effect: 'block',
      refusal: { code: 'CAP_MISS' },
    });
  });

  it('is decided in turn: of many at once exactly as many pass as the limit says, and the chain has no gap', async () => {
    const enforcer = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => enforcer.authorize(ask('look'))));
    expect(answers.filter(({ effect }) => effect === 'allow')).toHaveLength(3);
    const chain = await statements();
    expect(chain.map(({ seq }) => seq)).toEqual(chain.map((_, index) => index));
    for (const [index, statement] of chain.entries()) {
      if (index > 0) expect(statement.state.before).toBe(chain[index - 1]?.state.after);
    }
  });

  it('is turned away when too many wait for one session', async () => {
    const enforcer = await start();
    const answers = await Promise.allSettled(
      Array.from({ length: 1100 }, () => enforcer.authorize(ask('look'))),
    );
    const busy = answers.filter((answer) => answer.status === 'rejected');
    expect(busy.length).toBeGreaterThan(0);
    expect(busy[0]).toMatchObject({ reason: { code: 'SESSION_BUSY' } });
  });
});

describe('an outcome', () => {
  it('is taken once, for an allowed action, in its own session', async () => {
    const enforcer = await start();
    const { certificateId } = await enforcer.authorize(ask('look'));
    await expect(
      enforcer.settle({ ...ME, principal: 'agent-2' }, 's', certificateId, 'done', null),
    ).rejects.toMatchObject({ code: 'OUTCOME_REFUSED' });
    await expect(enforcer.settle(ME, 'elsewhere', certificateId, 'done', null)).rejects.toMatchObject({
      code: 'OUTCOME_REFUSED',
    });
    await enforcer.settle({ ...ME, principal: null }, 's', certificateId, 'done', { text: 'hello' });
    const { length } = await statements();
    await enforcer.settle(ME, 's', certificateId, 'done', { text: 'hello' });
    expect(await statements()).toHaveLength(length);
    await expect(enforcer.settle(ME, 's', certificateId, 'done', null)).rejects.toMatchObject({
      code: 'OUTCOME_REFUSED',
    });
  });

  it('is not recorded when it cannot be durable, so that the caller withholds the result', async () => {
    const enforcer = await start();
    const { certificateId } = await enforcer.authorize(ask('read'));
    journal.failure = new Error('no space left');
    await expect(enforcer.settle(ME, 's', certificateId, 'done', 'secret')).rejects.toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
    });
    journal.failure = undefined;
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    expect(await enforcer.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
  });
});

describe('a restart', () => {
  it('resets nothing: labels, counters and prompts are what they were', async () => {
    const enforcer = await start();
    const { certificateId } = await enforcer.authorize(ask('read'));
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    await enforcer.close();
    const restarted = await start();
    expect(await restarted.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
    await restarted.authorize(ask('look'));
    await restarted.authorize(ask('look'));
    expect(await restarted.authorize(ask('look'))).toMatchObject({ refusal: { code: 'LIMIT_EXCEEDED' } });
  });

  it('marks what was in flight as ambiguous, and a late outcome resolves it', async () => {
    const { certificateId } = await (await start()).authorize(ask('look'));
    const restarted = await start();
    expect((await statements()).at(-1)).toMatchObject({
      type: 'outcome-certificate',
      outcome: 'ambiguous',
      certificate_id: certificateId,
    });
    await restarted.settle(ME, 's', certificateId, 'done', 'late');
    expect((await statements()).at(-1)).toMatchObject({ outcome: 'done' });
  });

  it('under another bundle folds the session anew: what was read and counted before binds the new clauses', async () => {
    const enforcer = await start(
      bundleOf(1, { clauses: bundleOf(1).clauses.filter(({ id }) => id === 'all') }),
    );
    const { certificateId } = await enforcer.authorize(ask('read'));
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    expect(await enforcer.authorize(ask('send'))).toMatchObject({ effect: 'allow' });
    const stricter = await start(bundleOf(2));
    expect(await stricter.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
    const changes = (await statements()).filter(
      (statement) => statement.type === 'session-record' && statement.kind === 'bundle',
    );
    expect(changes).toHaveLength(1);
    const again = await start(bundleOf(2));
    expect(await again.authorize(ask('send'))).toMatchObject({ effect: 'block' });
  });

  it('refuses a session whose records no longer lead to its last certificate', async () => {
    await (await start()).authorize(ask('look'));
    const erased: Journal = {
      commit: (commit) => journal.commit(commit),
      heads: () => journal.heads(),
      head: (tenant, session) => journal.head(tenant, session),
      async *readSession(tenant, session) {
        for await (const statement of journal.readSession(tenant, session))
          yield { ...statement, record: null };
      },
    };
    const restarted = await start(bundleOf(1), { journal: erased });
    await expect(restarted.authorize(ask('look'))).rejects.toMatchObject({ code: 'SESSION_CORRUPT' });
    expect(await restarted.authorize(ask('look', { session: 'another' }))).toMatchObject({ effect: 'allow' });
    expect(await restarted.authorize(ask('look', { session: null }))).toMatchObject({ effect: 'allow' });
  });
});

describe('a session', () => {
  it('without a sid goes on until it has been idle, also over a restart, and then a new one begins', async () => {
    const enforcer = await start();
    const first = await enforcer.authorize(ask('look', { session: null }));
    now += 60_000;
    const restarted = await start();
    expect((await restarted.authorize(ask('look', { session: null }))).session).toBe(first.session);
    now += 60_001;
    expect((await restarted.authorize(ask('look', { session: null }))).session).not.toBe(first.session);
  });

  it('hears of a change of mode and of epoch before the next action, on the record', async () => {
    const enforcer = await start();
    await enforcer.authorize(ask('look'));
    environment = { ...environment, enforcement_mode: 'shadow' };
    epoch = 2;
    expect(await enforcer.authorize(ask('nowhere'))).toMatchObject({ effect: 'allow', verdict: 'reject' });
    expect(await enforcer.authorize(ask('look', { epoch: 1 }))).toMatchObject({
      refusal: { code: 'EPOCH_STALE' },
    });
    const kinds = (await statements()).flatMap((statement) =>
      statement.type === 'session-record' ? [statement.kind] : [],
    );
    expect(kinds).toEqual(['open', 'mode', 'epoch']);
  });

  it('that was let go of comes back from the journal', async () => {
    const enforcer = await start(bundleOf(1), { maxSessions: 2 });
    for (let round = 0; round < 4; round += 1) {
      for (let id = 0; id < 5; id += 1) await enforcer.authorize(ask('look', { session: `s${id}` }));
    }
    for (let id = 0; id < 5; id += 1) {
      expect(await enforcer.authorize(ask('look', { session: `s${id}` }))).toMatchObject({
        refusal: { code: 'LIMIT_EXCEEDED' },
      });
    }
  });

  it('takes nothing new once the fabric closes', async () => {
    const enforcer = await start();
    await enforcer.close();
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a certificate', () => {
  it('holds digests and labels but no argument, result or prompt', async () => {
    const enforcer = await start();
    await enforcer.prompt(AGENT, 's', 'the very secret prompt');
    const action = { kind: 'call', target: 'read', args: { password: 'hunter2' } } as const;
    const { certificateId } = await enforcer.authorize(ask('read', { action }));
    await enforcer.settle(ME, 's', certificateId, 'done', 'a secret result');
    const text = JSON.stringify(await statements());
    for (const secret of ['hunter2', 'a secret result', 'very secret prompt'])
      expect(text).not.toContain(secret);
    expect((await statements()).map(({ type }) => type)).toEqual([
      'session-record',
      'session-record',
      'permission-certificate',
      'outcome-certificate',
    ]);
  });
});
