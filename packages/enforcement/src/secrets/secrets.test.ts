import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import { type CompiledBundle, type SecretRule, WITHHELD_SECRET } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import { ask, bundleOf, crypto, ME, World } from '../enforcer.fixture.ts';
import type { Enforcer } from '../enforcer.ts';
import { TestBroker } from './broker.fixture.ts';

const PUBLIC = { level: 'public', compartments: [], integrity: 'trusted' } as const;
const HIDDEN = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
const [TOKEN, PASSWORD] = ['v"alue-one\\', 'value-two'];
const PARAMETER = {
  from: null,
  endorse: [],
  trusted: false,
  same_tenant: false,
  member_of: null,
  stores: null,
  optional: true,
} as const;
const RULE: SecretRule = {
  name: 'api/token',
  tools: ['send'],
  parameters: ['/token', '/list/*'],
  principals: null,
  roles: null,
  embedded: true,
};

function using(part: Partial<CompiledBundle> = {}, version = 1): CompiledBundle {
  const plain = bundleOf(version);
  const { look, read, send } = plain.tools as Record<string, NonNullable<CompiledBundle['tools'][string]>>;
  const parameters = { '/token': PARAMETER, '/list/*': PARAMETER };
  return bundleOf(version, {
    tools: { look, read, send: { ...send, clearance: HIDDEN, parameters } } as CompiledBundle['tools'],
    clauses: plain.clauses.filter(({ id }) => id !== 'three'),
    secrets: [RULE],
    ...part,
  });
}

const call = (target: string, args: JsonValue, more = {}) =>
  ask(target, { action: { kind: 'call', target, args }, ...more });

async function fabric(bundle = using()) {
  const world = new World();
  const broker = new TestBroker();
  const enforcer = await world.start(bundle, { secrets: broker });
  return { world, broker, enforcer };
}

/** Everything that is on record, in all sessions, in the clear. */
async function records(world: World): Promise<string> {
  const found: string[] = [];
  for await (const { envelope, record } of world.journal.readSession('acme', 's'))
    found.push(Buffer.from(envelope).toString(), Buffer.from(record ?? []).toString());
  return found.join('\n');
}

describe('a reference that the bundle permits', () => {
  it('is resolved after the decision, for whoever sends the call on and nobody else', async () => {
    const { world, broker, enforcer } = await fabric();
    const args = { token: 'secret://api/token#key', to: 'x', list: ['Bearer secret://api/token, ok'] };
    const answer = await enforcer.authorize(call('send', args));
    expect(answer).toMatchObject({
      effect: 'allow',
      arguments: { token: TOKEN, to: 'x', list: [`Bearer ${TOKEN}, ok`] },
    });
    const { certificateId } = answer;
    const use = { tenant: 'acme', name: 'api/token', tool: 'send', principal: 'agent-1', session: 's' };
    expect(broker.used).toEqual([
      { ...use, field: null, certificateId },
      { ...use, field: 'key', certificateId },
    ]);
    const [certificate] = (await world.statements()).slice(-1);
    expect(certificate).toMatchObject({
      secrets_used: ['api/token'],
      action: { args_digest: digestJson(crypto, args) },
    });
    expect(certificate).not.toHaveProperty('forwarded_digest');
    expect(await records(world)).not.toContain('alue-one');
    expect(JSON.stringify(await enforcer.snapshot())).not.toContain('alue-one');
  });

  it('is resolved again for a repeat, also after a restart, and remembered nowhere', async () => {
    const { world, broker, enforcer } = await fabric();
    const request = call('send', { token: 'secret://api/token' });
    const first = await enforcer.authorize(request);
    broker.values.set('api/token', 'rotated-value');
    expect(await enforcer.authorize(request)).toEqual({ ...first, arguments: { token: 'rotated-value' } });
    await enforcer.close();
    const after = await world.start(using(), { secrets: broker });
    expect(await after.authorize(request)).toEqual({ ...first, arguments: { token: 'rotated-value' } });
    expect(broker.used).toHaveLength(3);
  });

  it('is not sent where it cannot be resolved, and that is on record', async () => {
    const { world, broker, enforcer } = await fabric();
    broker.values.delete('api/token');
    const request = call('send', { token: 'secret://api/token' });
    const answer = await enforcer.authorize(request);
    expect(answer).toMatchObject({
      effect: 'block',
      refusal: { code: 'SECRETS_UNAVAILABLE', clause: null },
    });
    expect(answer).not.toHaveProperty('arguments');
    expect((await world.statements()).at(-1)).toMatchObject({
      type: 'outcome-certificate',
      outcome: 'failed',
      certificate_id: answer.certificateId,
    });
    broker.values.set('api/token', 'there again');
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
  });

  it('is not sent where there is no source of secrets', async () => {
    const enforcer = await new World().start(using());
    const answer = await enforcer.authorize(call('send', { token: 'secret://api/token' }));
    expect(answer).toMatchObject({ effect: 'block', refusal: { code: 'SECRETS_UNAVAILABLE' } });
  });

  it('of a repeat that cannot be resolved leaves what was sent as it is', async () => {
    const { world, broker, enforcer } = await fabric();
    const request = call('send', { token: 'secret://api/token' });
    const { certificateId } = await enforcer.authorize(request);
    broker.values.delete('api/token');
    expect(await enforcer.authorize(request)).toMatchObject({ effect: 'block' });
    await enforcer.settle(ME, 's', certificateId, 'done', 'sent');
    expect((await world.statements()).at(-1)).toMatchObject({ outcome: 'done' });
  });

  it('is not given again under a bundle that permits it no more', async () => {
    const { enforcer, world, broker } = await fabric();
    const request = call('send', { token: 'secret://api/token' });
    await enforcer.authorize(request);
    await enforcer.close();
    const other = { ...RULE, name: 'api/other' };
    const after = await world.start(using({ secrets: [other] }, 2), { secrets: broker });
    await expect(after.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
  });
});

describe('a reference behind a handle', () => {
  it('stands for nothing: what a stranger wrote is sent on as text', async () => {
    const handles = { clearance: PUBLIC, roles: [], extract: [] };
    const { world, broker, enforcer } = await fabric(using({ handles }));
    const { certificateId } = await enforcer.authorize(call('read', {}));
    const { instead } = await enforcer.settle(ME, 's', certificateId, 'done', 'secret://api/token');
    const args = { token: 'secret://api/token', text: instead as string };
    const answer = await enforcer.authorize(call('send', args));
    expect(answer).toMatchObject({
      effect: 'allow',
      arguments: { token: TOKEN, text: 'secret://api/token' },
    });
    expect(broker.used).toHaveLength(1);
    expect((await world.statements()).at(-1)).toMatchObject({
      secrets_used: ['api/token'],
      forwarded_digest: digestJson(crypto, { token: 'secret://api/token', text: 'secret://api/token' }),
    });
  });
});

it('a reference in a prompt stands for nothing', async () => {
  const { broker, enforcer } = await fabric();
  const principal = { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
  await enforcer.prompt(principal, 's', 'use secret://api/token');
  expect(broker.used).toEqual([]);
});

describe('the value of a secret', () => {
  const sent: readonly (readonly [where: string, asked: (value: string) => ReturnType<typeof call>])[] = [
    ['arguments', (value) => call('look', { q: value })],
    ['target', (value) => call(`look/${value}`, {})],
    ['attributes', (value) => call('look', {}, { attributes: { note: value } })],
    ['message', (value) => call('look', {}, { beside: { _meta: { note: value } } })],
  ];
  for (const [where, asked] of sent) {
    it(`in the ${where} of a call is refused and on no record`, async () => {
      for (const bundle of [using(), bundleOf(1)]) {
        const { world, enforcer } = await fabric(bundle);
        const answer = await enforcer.authorize(asked(PASSWORD));
        expect(answer).toMatchObject({ effect: 'block', refusal: { code: 'SECRET_EXPOSED', clause: null } });
        expect(await records(world)).not.toContain(PASSWORD);
        expect(await records(world)).toContain('db/password');
        expect(JSON.stringify(world.decided)).not.toContain(PASSWORD);
      }
    });
  }

  it('cannot be guessed at length: after ten hits nothing is looked at for that agent for an hour', async () => {
    const { world, enforcer } = await fabric(bundleOf(1));
    const asked = async (text: string, more = {}) => {
      const { refusal } = await enforcer.authorize(call('look', { text }, more));
      return refusal?.code;
    };
    for (let guess = 0; guess < 10; guess += 1) expect(await asked(PASSWORD)).toBe('SECRET_EXPOSED');
    expect(await asked('a plain question')).toBe('SECRET_EXPOSED');
    expect(await records(world)).toContain('"name":"-"');
    const other = { principal: { ...ask('look').principal, id: 'agent-2' }, session: 'another' };
    expect(await asked('a plain question', other)).not.toBe('SECRET_EXPOSED');
    world.now += 3_600_000;
    expect(await asked('a plain question')).not.toBe('SECRET_EXPOSED');
  });

  it('in a result reaches nobody, and what happened is on record', async () => {
    const { world, enforcer } = await fabric(bundleOf(1));
    const { certificateId } = await enforcer.authorize(call('look', {}));
    const result = { content: [{ type: 'text', text: `it is ${PASSWORD}` }] };
    const shown = await enforcer.settle(ME, 's', certificateId, 'done', result);
    const instead = { content: [{ type: 'text', text: WITHHELD_SECRET }], isError: true };
    expect(shown).toEqual({ instead });
    expect(await enforcer.settle(ME, 's', certificateId, 'done', result)).toEqual({ instead });
    const [outcome] = (await world.statements()).slice(-1);
    expect(outcome).toMatchObject({ outcome: 'done', exposed: ['db/password'] });
    expect(outcome).toMatchObject({ result_digest: digestJson(crypto, instead) });
    expect(await records(world)).not.toContain(PASSWORD);
  });

  it('in an error is withheld alike', async () => {
    const { enforcer } = await fabric(bundleOf(1));
    const { certificateId } = await enforcer.authorize(call('look', {}));
    const result = { code: -1, message: `bad password ${PASSWORD}` };
    const shown = await enforcer.settle(ME, 's', certificateId, 'failed', result);
    expect(shown).toEqual({ instead: WITHHELD_SECRET });
  });

  it('of another tenant means nothing here', async () => {
    const { enforcer } = await fabric(bundleOf(1));
    const principal = { id: 'agent-1', roles: [], org: 'globex', tenant: 'globex', attributes: {} };
    const answer = await enforcer.authorize(call('look', { q: PASSWORD }, { principal, session: 'g' }));
    expect(answer.effect).toBe('allow');
  });
});

describe('where nobody can look', () => {
  it('nothing is decided', async () => {
    const { world, broker, enforcer } = await fabric(bundleOf(1));
    broker.isDown = true;
    await expect(enforcer.authorize(call('look', {}))).rejects.toMatchObject({ code: 'SECRETS_UNAVAILABLE' });
    expect(await world.statements()).toEqual([]);
    expect(world.unavailable).toHaveLength(1);
  });

  it('a result is withheld, and that it came is on record', async () => {
    const { world, broker, enforcer } = await fabric(bundleOf(1));
    const { certificateId } = await enforcer.authorize(call('look', {}));
    broker.isDown = true;
    expect(await enforcer.settle(ME, 's', certificateId, 'done', 'anything')).toEqual({
      instead: WITHHELD_SECRET,
    });
    expect((await world.statements()).at(-1)).toMatchObject({ outcome: 'done', exposed: ['-'] });
    expect(await enforcer.holdsSecret('acme', { method: 'log' })).toBe(true);
  });
});

it('two requests with one id are answered alike: none is sent once the other has given up', async () => {
  const { world, broker, enforcer } = await fabric();
  const request = call('send', { token: 'secret://api/token' });
  const release = hold(broker);
  const both = [enforcer.authorize(request), enforcer.authorize(request)];
  broker.values.delete('api/token');
  release();
  const answers = await Promise.allSettled(both);
  expect(answers.map(arguments_)).toEqual([undefined, undefined]);
  const outcomes = (await world.statements()).filter(({ type }) => type === 'outcome-certificate');
  expect(outcomes).toHaveLength(1);
});

function hold(broker: TestBroker): () => void {
  let release = () => {};
  broker.gate = new Promise((resolve) => {
    release = resolve;
  });
  return release;
}

function arguments_(answer: PromiseSettledResult<Awaited<ReturnType<Enforcer['authorize']>>>) {
  return answer.status === 'fulfilled' ? answer.value.arguments : undefined;
}
