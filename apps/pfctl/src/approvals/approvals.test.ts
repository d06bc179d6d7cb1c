import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
const root = folders.make({ 'config/local/fabric.yaml': 'data_dir: data\n' });
afterAll(() => folders.removeAll());

const TICKET = 'a'.repeat(32);
const HELD = {
  ticket: TICKET,
  session: 's1',
  principal: 'agent-1',
  action: { kind: 'call', tool: 'pay' },
  clauses: ['big'],
  status: 'waiting',
  asked_at: '2026-01-01T00:00:00.000Z',
  expires_at: '2026-01-02T00:00:00.000Z',
  approved_by: [],
  denied_by: [],
  certificate_id: 'c'.repeat(64),
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** What a sidecar's routes answer; what it was asked is kept. */
async function fakeSidecar(status: number, body: string | ((asked: string) => string), location?: string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${text}`.trim());
      response.writeHead(status, location === undefined ? {} : { location });
      response.end(typeof body === 'string' ? body : body(asked.at(-1) as string));
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const run = (args: readonly string[], approverToken: string | undefined = 't0ken') =>
  pfctl(['approvals', ...args], { directory: root, checkout: root, approverToken });
const problem = (code: string) => JSON.stringify({ code, detail: 'because' });

describe('approvals', () => {
  test.each([
    [401, 'UNAUTHENTICATED', 2],
    [403, 'FORBIDDEN', 2],
    [403, 'APPROVER_REFUSED', 2],
    [404, 'TICKET_UNKNOWN', 2],
    [409, 'TICKET_DECIDED', 2],
    [400, 'REQUEST_MALFORMED', 3],
    [503, 'EVIDENCE_UNAVAILABLE', 1],
    [302, 'FOUND', 1],
  ])('an answer of %i %s exits with %s%s, and the token is nowhere in it', async (status, code, exit) => {
    const elsewhere = await fakeSidecar(200, '{}');
    const { url } = await fakeSidecar(status, problem(code), elsewhere.url);
    for (const command of [['show'], ['approve'], ['deny']]) {
      const ran = await run([...command, TICKET, '--url', url]);
      expect([ran.code, ran.out]).toEqual([exit, '']);
      expect(ran.err).toContain(`answered ${status} ${code}: because`);
      expect(ran.err).not.toContain('t0ken');
    }
    expect(elsewhere.asked).toEqual([]);
  });

  test.each(['[]', '{', '{"ticket":7}', 'null'])('an answer of 200 that is %s is none', async (body) => {
    const { url } = await fakeSidecar(200, body);
    for (const command of ['show', 'approve']) {
      expect((await run([command, TICKET, '--url', url])).code).toBe(1);
    }
  });

  test('a ticket that is none is not asked about', async () => {
    const { url, asked } = await fakeSidecar(200, '{}');
    for (const ticket of ['../v1/authorize', 'A'.repeat(32), 'x']) {
      expect((await run(['approve', ticket, '--url', url])).code).toBe(3);
    }
    expect(asked).toEqual([]);
  });

  test('nobody is spoken for without a token', async () => {
    const ran = await run(['list'], '');
    expect([ran.code, ran.out]).toEqual([1, '']);
    expect(ran.err).toContain('expected a token with the role approver');
  });

  test('an argument can neither steer the terminal nor forge a line', async () => {
    const args = { to: 'x\u001b[2J\nstatus:  approved', 'no\u202ete': 9 };
    const { url } = await fakeSidecar(200, JSON.stringify({ ...HELD, args, approvers: [] }));
    for (const format of ['table', 'json']) {
      const { code, out } = await run(['show', TICKET, '--url', url, '--format', format]);
      expect(code).toBe(0);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(out.match(/^status: /gm) ?? []).toHaveLength(format === 'table' ? 1 : 0);
    }
  });

  test('shows every digit of what is asked for', async () => {
    const body = JSON.stringify({ ...HELD, args: { n: 0 }, approvers: [] }).replace(
      '"n":0',
      '"n":9007199254740993',
    );
    const { url } = await fakeSidecar(200, body);
    expect((await run(['show', TICKET, '--url', url])).out).toMatch(/^argument: +"n": 9007199254740993$/m);
    expect((await run(['show', TICKET, '--url', url, '--format', 'json'])).out).toContain('9007199254740993');
  });

  test('lists what is held, or says that nothing is', async () => {
    const none = await fakeSidecar(200, '[]');
    expect(await run(['list', '--url', none.url])).toMatchObject({ code: 0, out: 'nothing is held\n' });
    const { url } = await fakeSidecar(200, JSON.stringify([HELD]));
    const { out } = await run(['list', '--url', url]);
    expect(out).toMatch(new RegExp(`^TICKET +STATUS.*\n${TICKET}  waiting  s1 +agent-1 +pay +big `));
  });

  test('says what was decided, with the token of the file', async () => {
    const { url, asked } = await fakeSidecar(
      200,
      JSON.stringify({ ticket: TICKET, session: 's1', status: 'denied' }),
    );
    const file = folders.make({ token: 'in-a-file\n' });
    const ran = await run(['deny', TICKET, '--url', url, '--session', 's1', '--token-file', `${file}/token`]);
    expect(ran).toMatchObject({ code: 0, out: `denied ${TICKET}: now denied\n` });
    expect(asked).toEqual([
      `POST /v1/approvals/${TICKET} Bearer in-a-file {"decision":"deny","session":"s1"}`,
    ]);
  });

  /** A ticket that counts approvals; each of them is by the next of these people. */
  async function counting(wanted: number, people: readonly string[], approvers: object[] = []) {
    const by = new Set<string>();
    const turns = [...people];
    const rules =
      approvers.length > 0
        ? approvers
        : [{ approvals: wanted, roles: ['boss'], ids: [], within_ms: 1_800_000 }];
    return fakeSidecar(200, (asked) => {
      if (asked.startsWith('POST')) by.add(turns.shift() ?? 'nobody');
      const status = by.size < wanted ? 'waiting' : 'approved';
      const held = { ...HELD, args: {}, approvers: rules, approved_by: [...by], status };
      return JSON.stringify(asked.startsWith('POST') ? { ticket: TICKET, session: 's1', status } : held);
    });
  }

  test('says how many more have to approve, and that somebody had done so already', async () => {
    const { url } = await counting(3, ['ann', 'ann', 'bob', 'cyd']);
    const lines = [];
    for (let turn = 0; turn < 4; turn += 1) lines.push((await run(['approve', TICKET, '--url', url])).out);
    expect(lines).toEqual([
      `approved ${TICKET}: now waiting, 1 of 3, 2 more people are needed\n`,
      `${TICKET} had been approved by you already: still waiting, 1 of 3, 2 more people are needed\n`,
      `approved ${TICKET}: now waiting, 2 of 3, one more person is needed\n`,
      `approved ${TICKET}: now approved\n`,
    ]);
  });

  test('does not reckon where several clauses hold it', async () => {
    const rules = ['boss', 'clerk'].map((role) => ({ approvals: 1, roles: [role], ids: [] }));
    const { url } = await counting(2, ['ann'], rules);
    const { out } = await run(['approve', TICKET, '--url', url]);
    expect(out).toBe(`approved ${TICKET}: now waiting, approved by ann so far\n`);
  });

  test('shows whose approvals are wanted, and lists whose there are', async () => {
    const approvers = [{ approvals: 2, roles: ['boss'], ids: ['zoe'], within_ms: 1_800_000 }];
    const shown = await fakeSidecar(200, JSON.stringify({ ...HELD, args: {}, approvers }));
    const { out } = await run(['show', TICKET, '--url', shown.url]);
    expect(out).toMatch(/^wanted: +2 approvals of zoe or anybody with the role boss, good for 30m$/m);
    const { url } = await fakeSidecar(200, JSON.stringify([{ ...HELD, approved_by: ['ann'] }]));
    expect((await run(['list', '--url', url])).out).toMatch(/CLAUSES +APPROVED BY +ASKED\n.* big +ann +2026/);
  });

  test('decides where it cannot look first', async () => {
    const { url } = await fakeSidecar(200, (asked) =>
      asked.startsWith('POST') ? JSON.stringify({ ticket: TICKET, session: 's1', status: 'waiting' }) : '[]',
    );
    expect((await run(['approve', TICKET, '--url', url])).out).toBe(`approved ${TICKET}: now waiting\n`);
  });

  test('a token file that is not there is told as such', async () => {
    const { code, err } = await run(['list', '--token-file', '/nowhere/token']);
    expect(code).toBe(3);
    expect(err).toContain('/nowhere/token: expected a token, came nothing there; write one with');
  });
});
