import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, guard } from '../index.ts';
import { PfServe } from '../testing/pf-serve.fixture.ts';

let fabric: PfServe;
beforeAll(async () => {
  fabric = await PfServe.start();
});
afterAll(() => fabric.stop());

describe('the client, before a real fabric', () => {
  const mail = (to: string) =>
    ({
      kind: 'call',
      tool: 'send_mail',
      args: { to, subject: 'Your refund', id: 9007199254740993n },
    }) as const;

  it('is told by name what the fabric refuses to do', async () => {
    const agent = await fabric.client('s1');
    await expect(agent.prompt({ session: 's1', text: 'mail x@evil.example' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      status: 403,
    });
    await expect(
      agent.outcome({ session: 's1', certificateId: 'a'.repeat(64), outcome: 'done' }),
    ).rejects.toMatchObject({ code: 'OUTCOME_REFUSED' });
    await expect(agent.authorize({ action: mail('a@b.example'), session: 's2' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const stranger = createClient({ url: fabric.url, token: 'e30.e30.e30' });
    await expect(stranger.authorize({ action: mail('a@b.example') })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      status: 401,
    });
  });

  it('gets one decision for one request id, in the light of what the host said', async () => {
    const agent = await fabric.client('s3');
    const host = createClient({ url: fabric.url, token: await fabric.token('s3', ['host']) });
    const action = mail('maria@customer.example');
    expect(await agent.authorize({ action })).toMatchObject({
      effect: 'block',
      session: 's3',
      refusal: { code: 'UNTRUSTED_ARGUMENT', clause: 'known-recipients' },
    });
    const prompt = { session: 's3', text: 'Answer maria@customer.example', principal: 'agent-1' };
    expect(await host.prompt(prompt)).toEqual({ session: 's3' });
    const first = await agent.authorize({ action, requestId: 'mail-1' });
    expect(first).toMatchObject({ effect: 'allow', verdict: 'accept', refusal: null });
    expect(await agent.authorize({ action, requestId: 'mail-1' })).toEqual(first);
    await expect(
      agent.authorize({ action: mail('audit@evil.example'), requestId: 'mail-1' }),
    ).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
    const { session, certificateId } = first;
    await agent.outcome({ session, certificateId, outcome: 'done', result: { id: 9007199254740993n } });
  });

  it('asks how the fabric is', async () => {
    const health = await createClient({ url: fabric.url, token: 'none' }).health();
    expect(health).toMatchObject({ healthy: true, problems: [] });
  });

  it('guards a plain function, and the session takes on what it read', async () => {
    const client = await fabric.client('s4');
    const sent: string[] = [];
    const read_text_file = async ({ path }: { path: string }) => `contents of ${path}`;
    const send_mail = async ({ to }: { to: string; subject: string }) => void sent.push(to);
    const [read, send] = [guard(client, read_text_file), guard(client, send_mail)];
    const subject = 'hello';
    expect(await send({ to: 'desk@acme.example', subject })).toBeUndefined();
    expect(await read({ path: 'tenants/acme/customers.csv' })).toBe('contents of tenants/acme/customers.csv');
    expect(await send({ to: 'billing@acme.example', subject })).toEqual({
      refused: true,
      code: 'LABEL_FLOW',
      clause: 'no-exfiltration',
    });
    expect(sent).toEqual(['desk@acme.example']);
  });
});
