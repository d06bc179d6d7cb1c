import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../client.ts';
import type { GuardError } from '../errors.ts';
import { FakeFabric, problem, silence, TOKEN } from '../testing/fake-fabric.ts';
import { guard } from './guard-function.ts';
import type { Decider, GuardOptions } from './guard-options.ts';

let fabric: FakeFabric;
let url: string;
let client: Decider;
beforeEach(async () => {
  fabric = new FakeFabric();
  url = await fabric.start();
  client = createClient({
    url,
    token: TOKEN,
    timeoutMs: 20_000,
    retries: 2,
    retryDelayMs: 1,
  });
});
afterEach(() => fabric.stop());

const PATIENT = { timeout: 20_000 };
const never = () => new Promise<never>(() => undefined);

describe('nothing runs', () => {
  let ran = 0;
  beforeEach(() => {
    ran = 0;
  });
  const run = async () => ++ran;

  it('where the fabric refuses: the caller gets code and clause, or an error if it wants that', async () => {
    const refusal = { refused: true, code: 'LABEL_FLOW', clause: 'no-exfiltration' };
    expect(await guard(client, run, { name: 'refused' })({})).toEqual(refusal);
    expect(await guard(client, run, { name: 'held' })({})).toEqual({ ...refusal, ticket: 'T-1' });
    await expect(guard(client, run, { name: 'refused', refusals: 'throw' })({})).rejects.toMatchObject({
      code: 'TOOL_REFUSED',
      message: '`refused` was refused by policy: LABEL_FLOW (clause no-exfiltration)',
      refusal,
    });
    expect([ran, fabric.outcomes]).toEqual([0, []]);
  });

  it('where the fabric cannot be reached, or is silent', async () => {
    const hasty = createClient({ url, token: TOKEN, timeoutMs: 50, retries: 0 });
    fabric.behaviours.push(silence);
    await expect(guard(hasty, run)({})).rejects.toMatchObject({ code: 'ANSWER_LATE' });
    await fabric.stop();
    await expect(guard(client, run)({})).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    expect(ran).toBe(0);
  });

  it('where the arguments are none that can be decided, and then nothing is asked either', async () => {
    for (const args of [{ at: new Date() }, [], { x: 'y'.repeat(2_000_000) }, 'text' as unknown as object])
      await expect(guard(client, run)(args)).rejects.toMatchObject({ code: 'ARGUMENTS_UNFIT' });
    expect([ran, fabric.came]).toEqual([0, []]);
  });

  it('where a function has no name to be decided under', () => {
    expect(() =>
      guard(
        client,
        (
          () => async () =>
            1
        )(),
      ),
    ).toThrow('expected a function with a name');
  });

  it('once its caller has gone, and what was allowed meanwhile is reported as not done', async () => {
    const gone = new AbortController();
    fabric.behaviours.push(async () => {
      gone.abort(new Error('gone'));
      return false;
    });
    await expect(guard(client, run)({}, { signal: gone.signal })).rejects.toThrow('gone');
    await expect.poll(() => fabric.outcomes, PATIENT).toMatchObject([{ outcome: 'failed' }]);
    await expect(guard(client, run)({}, { signal: gone.signal })).rejects.toThrow('gone');
    expect([ran, fabric.of('/v1/authorize').length]).toEqual([0, 1]);
  });
});

describe('what runs is what was decided', () => {
  it('even if the caller changes the arguments meanwhile, or the tool tries to', async () => {
    const args = { to: 'maria@customer.example', cc: ['desk@acme.example'] };
    fabric.behaviours.push(async () => {
      args.to = 'audit@evil.example';
      args.cc.push('audit@evil.example');
      return false;
    });
    const sent: unknown[] = [];
    const send_mail = async (mail: typeof args) => {
      sent.push(structuredClone(mail));
      mail.cc.push('later@evil.example');
    };
    await expect(guard(client, send_mail)(args)).rejects.toThrow(TypeError);
    const decided = { to: 'maria@customer.example', cc: ['desk@acme.example'] };
    expect(sent).toEqual([decided]);
    expect(fabric.came[0]?.body).toMatchObject({
      action: { kind: 'call', tool: 'send_mail', args: decided },
    });
  });

  it('and each call is a request of its own, also when the same one comes twice', async () => {
    const look = guard(client, async () => 1, { name: 'look', attributes: { desk: 3 }, session: 's9' });
    await Promise.all([look({}), look({})]);
    const asked = fabric.of('/v1/authorize').map(({ body }) => body as { request_id: string });
    expect(new Set(asked.map(({ request_id }) => request_id)).size).toBe(2);
    expect(asked[0]).toMatchObject({ session: 's9', attributes: { desk: 3 } });
  });
});

describe('a result is seen', () => {
  it('only once it is on record', async () => {
    const order: string[] = [];
    fabric.behaviours.push(
      () => false,
      () => {
        order.push('recorded');
        return false;
      },
    );
    expect(
      await guard(client, async () => ({ ticket: 12345678901234567890n }), { name: 'look' })({}),
    ).toEqual({
      ticket: 12345678901234567890n,
    });
    order.push('seen');
    expect(order).toEqual(['recorded', 'seen']);
    expect(fabric.outcomes).toMatchObject([{ outcome: 'done', result: { ticket: 12345678901234567890n } }]);
  });

  it('never, where it cannot be recorded: not a result, not an error', async () => {
    const refuse = () =>
      fabric.behaviours.push(
        () => false,
        (_, response) => problem(response, 409, 'OUTCOME_REFUSED', 'no'),
      );
    refuse();
    await expect(guard(client, async () => 's3cret', { name: 'look' })({})).rejects.toMatchObject({
      code: 'OUTCOME_UNRECORDED',
      message:
        'expected the outcome of `look` to be recorded, and it was not: what came of it (`done`) is withheld',
      cause: { code: 'OUTCOME_REFUSED' },
    });
    refuse();
    const failing = guard(client, () => Promise.reject(new Error('s3cret')), { name: 'look' });
    await expect(failing({})).rejects.toMatchObject({ code: 'OUTCOME_UNRECORDED' });
  });

  it('as it was when it was recorded, though the tool holds on to it', async () => {
    const kept = { rows: ['one'] };
    fabric.behaviours.push(
      () => false,
      () => {
        kept.rows.push('two');
        return false;
      },
    );
    expect(await guard(client, async () => kept, { name: 'look' })({})).toEqual({ rows: ['one'] });
    expect(fabric.outcomes).toMatchObject([{ result: { rows: ['one'] } }]);
  });

  it('in all its parts where it streams', async () => {
    async function* look() {
      yield { row: 1 };
      yield { row: 2 };
    }
    const rows: { row: number }[] | { refused: true } = await guard(client, look)({});
    expect(rows).toEqual([{ row: 1 }, { row: 2 }]);
    expect(fabric.outcomes).toMatchObject([{ outcome: 'done', result: [{ row: 1 }, { row: 2 }] }]);
  });

  it('by nobody where it is no JSON or too large; that text is recorded in its place', async () => {
    const rejected = async (tool: () => unknown, options: GuardOptions = {}): Promise<GuardError> =>
      guard(client, tool, { name: 'look', ...options })({}).then(
        () => expect.unreachable(),
        (error) => error,
      );
    const errors = [
      await rejected(async () => ({ secret: new Date() })),
      await rejected(async () => 'x'.repeat(100), { maxResultBytes: 99 }),
      await rejected(async () => '\u0001'.repeat(50), { maxResultBytes: 99 }),
      await rejected(() => endless(), { maxParts: 1000 }),
      await rejected(() => endless(), { maxResultBytes: 1000 }),
      await rejected(() => Promise.reject(new Error('x'.repeat(100))), { maxResultBytes: 99 }),
    ];
    expect(errors.map(({ code }) => code)).toEqual(['RESULT_UNFIT', ...Array(5).fill('RESULT_TOO_LARGE')]);
    expect(errors[0]?.message).toContain('came a Date at `/secret`');
    expect(fabric.outcomes.map(({ outcome }) => outcome)).toEqual([
      'done',
      'done',
      'done',
      'ambiguous',
      'ambiguous',
      'failed',
    ]);
    expect(fabric.outcomes.map(({ result }) => result)).toEqual(errors.map(({ message }) => message));
  });

  it('by nobody where the fabric reads less than the guard lets through', async () => {
    fabric.behaviours.push(
      () => false,
      (_, response) => problem(response, 413, 'BODY_TOO_LARGE', 'no'),
    );
    const look = guard(client, async () => 'x'.repeat(1000), { name: 'look' });
    await expect(look({})).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(fabric.outcomes).toMatchObject([{ outcome: 'done', result: expect.stringContaining('withheld') }]);
  });
});

describe('a tool that throws', () => {
  const rejectionOf = (thrown: unknown, options: GuardOptions = {}) =>
    guard(client, () => Promise.reject(thrown), { name: 'act', ...options })({}).catch((error) => error);

  it('has failed: its error is recorded as the model will read it, and passed on', async () => {
    const thrown = new Error('no such ticket \ud800');
    expect(await rejectionOf(thrown)).toBe(thrown);
    expect(fabric.outcomes).toMatchObject([{ outcome: 'failed', result: 'no such ticket \ufffd' }]);
  });

  it('may have acted where it lost its connection, ran out of time, or says so', async () => {
    await rejectionOf(
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
    );
    await rejectionOf(new DOMException('late', 'TimeoutError'));
    await rejectionOf(new Error('declined'), { unclear: () => true });
    await rejectionOf(new Error('declined'), { unclear: () => thrown(new Error('oops')) });
    await rejectionOf(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    expect(fabric.outcomes.map(({ outcome }) => outcome)).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'failed',
    ]);
  });

  it('may have acted where it does not end, or its caller does not wait', async () => {
    const signals: AbortSignal[] = [];
    const act = (_: object, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return never();
    };
    await expect(guard(client, act, { timeoutMs: 30 })({})).rejects.toMatchObject({ code: 'TOOL_TIMEOUT' });
    const gone = new AbortController();
    const acting = guard(client, act)({}, { signal: gone.signal });
    await expect.poll(() => signals.length, PATIENT).toBe(2);
    gone.abort(new Error('gone'));
    await expect(acting).rejects.toThrow('gone');
    expect(fabric.outcomes.map(({ outcome }) => outcome)).toEqual(['ambiguous', 'ambiguous']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

async function* endless() {
  for (;;) yield 'more';
}

function thrown(error: unknown): never {
  throw error;
}
