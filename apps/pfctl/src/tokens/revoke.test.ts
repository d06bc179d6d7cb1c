import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NOW, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import type { Terminal } from '../terminal.ts';
import { checkToken, projectWithKeys } from './tokens.fixture.ts';

const folders = temporaryFolders();
let root = '';

beforeAll(async () => {
  root = await projectWithKeys(folders);
});
afterAll(() => folders.removeAll());

const here = (args: readonly string[], more: Partial<Terminal> = {}) =>
  pfctl(['token', ...args], { directory: root, checkout: root, ...more });
const check = (text: string, audience: string) => checkToken(root, text, audience);

describe('token revoke', () => {
  interface Asked {
    readonly url: string | undefined;
    readonly authorization: string | undefined;
    readonly body: {
      readonly token_ids: readonly string[];
      readonly reason: string;
      readonly tenant?: string;
    };
  }
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** What a ledger's route answers; what it was asked is kept. */
  async function fakeLedger(
    answer: (asked: Asked) => { status: number; body: string; location?: string } | undefined,
  ) {
    const asked: Asked[] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        const one = {
          url: request.url,
          authorization: request.headers.authorization,
          body: JSON.parse(text),
        };
        asked.push(one);
        const answered = answer(one);
        if (answered === undefined) return;
        const { status, body, location } = answered;
        response.writeHead(status, location === undefined ? {} : { location }).end(body);
      });
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }
  const revokes = ({ body }: Asked) => ({
    status: 200,
    body: JSON.stringify({
      revoked: body.token_ids,
      unknown: body.token_ids.filter((id) => id.startsWith('u')),
    }),
  });
  const revoke = (
    url: string,
    ids: readonly string[],
    more: readonly string[] = [],
    terminal: Partial<Terminal> = {},
  ) => here(['revoke', ...ids, '--reason', 'lost', '--ledger', url, ...more], terminal);

  test.each([
    [['a b'], [], 'expected up to 1000 token ids'],
    [Array.from({ length: 1001 }, () => 'a'), [], 'expected up to 1000 token ids (their `jti`), came 1001'],
    [['a'], ['--ledger', 'file:///etc/passwd'], 'expected --ledger as scheme, host and port'],
    [['a'], ['--ledger', 'http://me:hunter2@ledger'], 'expected --ledger as scheme, host and port'],
    [['a'], ['--ledger', 'http://ledger/x'], 'expected --ledger as scheme, host and port'],
    [['a'], ['--token-file', 'nowhere'], 'ENOENT'],
    [['a'], [], 'expected --tenant, since data has no record of `a` that says whose it is'],
  ])('%j is refused before anybody is asked', async (ids, more, said) => {
    const { asked, url } = await fakeLedger(revokes);
    const { code, out, err } = await revoke(url, ids, more);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err.replace(root, '').replaceAll('/data', 'data')).toContain(said);
    expect(err).not.toContain('hunter2');
    expect(asked).toEqual([]);
  });

  test('with a token of its own for each tenant, of a minute and for the ledger alone', async () => {
    const { asked, url } = await fakeLedger(revokes);
    const made = async (tenant: string) =>
      JSON.parse((await here(['create', '--tenant', tenant, '--subject', 'a', '--format', 'json'])).out)
        .token_id;
    const ids = [await made('acme'), await made('globex')];
    expect(await revoke(url, ids)).toEqual({
      code: 0,
      out: ids.map((id) => `revoked ${id}\n`).join(''),
      err: '',
    });
    expect(asked.map(({ url, body }) => [url, body])).toEqual(
      ids.map((id) => ['/capability-tokens/revoke', { token_ids: [id], reason: 'lost' }]),
    );
    const [first, second] = await Promise.all(
      asked.map(({ authorization = '' }) => check(authorization.replace('Bearer ', ''), 'ledger')),
    );
    expect(first).toMatchObject({
      ok: true,
      claims: { tenant: 'acme', roles: ['operator'], iat: NOW / 1000, exp: NOW / 1000 + 60 },
    });
    expect(second).toMatchObject({ ok: true, claims: { tenant: 'globex' } });
  });

  test('with a token that was given, from a file before the environment', async () => {
    const { asked, url } = await fakeLedger(revokes);
    const elsewhere = folders.make({
      'config/local/fabric.yaml': '',
      token: 'from-file\n',
      empty: '\n',
      bad: 'a\r\nX: y',
    });
    const terminal = { directory: elsewhere, ledgerToken: 'from-environment' };
    const { out } = await revoke(url, ['u1', 'k1'], ['--tenant', 'acme', '--token-file', 'token'], terminal);
    expect(out).toBe('revoked u1  (the ledger had no record of it)\nrevoked k1\n');
    expect(JSON.parse((await revoke(url, ['k1'], ['--format', 'json'], terminal)).out)).toEqual({
      revoked: ['k1'],
      unknown: [],
    });
    expect(asked.map(({ authorization, body }) => [authorization, body.tenant])).toEqual([
      ['Bearer from-file', 'acme'],
      ['Bearer from-environment', undefined],
    ]);
    for (const file of ['empty', 'bad']) {
      const refused = await revoke(url, ['k1'], ['--token-file', file], terminal);
      expect(refused).toMatchObject({ code: 3, out: '' });
      expect(refused.err).not.toContain('X: y');
    }
    expect(await revoke(url, ['k1'], [], { directory: elsewhere })).toMatchObject({
      code: 1,
      err: expect.stringContaining("expected an operator's token, or keys to sign one with"),
    });
    expect(asked).toHaveLength(2);
  });

  test.each([
    [403, '{"code":"FORBIDDEN","detail":"no\\u001b[2J"}', 2, 'answered 403 FORBIDDEN: no\\u001b[2J'],
    [401, '', 2, 'answered 401'],
    [400, '{"code":"REQUEST_MALFORMED","detail":"x"}', 3, 'REQUEST_MALFORMED'],
    [503, '<html>', 1, 'answered 503'],
    [200, '{"revoked":"all"}', 1, 'expected a ledger that revokes tokens'],
    [200, 'x'.repeat(2_000_000), 1, 'its answer is too long'],
  ])('an answer of %d is said, and nothing that it holds is obeyed', async (status, body, code, said) => {
    const { url } = await fakeLedger(() => ({ status, body }));
    const answered = await revoke(url, ['a'], [], { ledgerToken: 't0ken' });
    expect(answered).toMatchObject({ code, out: '' });
    expect(answered.err).toContain(said);
    expect(answered.err.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(answered.err).not.toContain('t0ken');
  });

  test('a redirect gets no token, and nobody there is named', async () => {
    const other = await fakeLedger(revokes);
    const { url } = await fakeLedger(() => ({ status: 307, body: '', location: other.url }));
    expect((await revoke(url, ['a'], [], { ledgerToken: 't' })).code).toBe(1);
    expect(other.asked).toEqual([]);
    expect(await revoke('http://127.0.0.1:1', ['a'], [], { ledgerToken: 't' })).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /expected the ledger at http:\/\/127\.0\.0\.1:1 to answer, but it cannot be reached/,
      ),
    });
  });

  test('the environment says where the ledger is', async () => {
    const { asked, url } = await fakeLedger(revokes);
    const port = new URL(url).port;
    const elsewhere = folders.make({ 'config/local/fabric.yaml': `listen_ledger: 0.0.0.0:${port}\n` });
    const args = ['revoke', 'a', '--reason', 'x'];
    expect((await here(args, { directory: elsewhere, ledgerToken: 't' })).code).toBe(0);
    expect(asked).toHaveLength(1);
  });
});
