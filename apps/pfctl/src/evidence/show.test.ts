import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { envelopeBytes, sealEnvelope, utf8 } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import { ORIGIN } from './data-folder.fixture.ts';
import { glance } from './glance.ts';
import { type Decision, writePlainLog } from './plain-log.fixture.ts';

const folders = temporaryFolders();
let data = '';

const AT = (minute: number) => `2026-03-01T11:${String(minute).padStart(2, '0')}:00.000Z`;
const DECISIONS: readonly Decision[] = [
  { session: 's1', at: AT(0), outcome: 'done' },
  { session: 's1', at: AT(10), effect: 'block', verdict: 'reject', tool: 'x\u001b[2J\u202e' },
  { tenant: 'globex', session: 's1', at: AT(20), outcome: 'failed' },
];

beforeAll(async () => {
  data = folders.make();
  await writePlainLog(data, DECISIONS);
});
afterAll(() => folders.removeAll());

const certs = (...args: string[]) => pfctl(['certs', ...args, '--data', data]);

describe('certs show', () => {
  test.each([
    ['', 'expected a certificate id'],
    ['abc', 'expected a certificate id'],
    ['../../x', 'expected a certificate id'],
    ['#1', 'expected a certificate id'],
    ['s1#1#', 'expected a certificate id'],
    ['A'.repeat(64), 'expected a certificate id'],
    ['0123456789abcdef', 'expected a certificate of the log'],
    ['s1#99', 'expected a certificate of the log'],
    ['nobody\u001b[2J#0', 'expected a certificate of the log, came `nobody\\u001b[2J#0`'],
    ['s1#0', 'expected one certificate, came s1#0 of acme, s1#0 of globex; give more digits, or --tenant'],
  ])('%j is refused by name', async (name, said) => {
    expect(await certs('show', name)).toMatchObject({ code: 3, out: '', err: expect.stringContaining(said) });
  });

  test('a statement as a whole, its outcome, its place, and what could be checked', async () => {
    const { code, out } = await certs('show', 's1#0', '--tenant', 'acme', '--format', 'json');
    expect(code).toBe(0);
    const shown = JSON.parse(out);
    expect(shown).toMatchObject({
      statement: {
        type: 'permission-certificate',
        tenant: 'acme',
        seq: 0,
        action: { target: 'read_text_file' },
      },
      outcome: { type: 'outcome-certificate', outcome: 'done', seq: 1 },
      log: { origin: ORIGIN, index: 0, size: 5 },
      signature: { verified: true, problem: null },
      inclusion: { verified: true },
    });
    const id = shown.statement.certificate_id as string;
    expect((await certs('show', id, '--format', 'json')).out).toBe(out);
    expect((await certs('show', id.slice(0, 8), '--format', 'json')).out).toBe(out);
    const other = JSON.parse((await certs('show', 's1#0', '--tenant', 'globex', '--format', 'json')).out);
    expect(other.outcome.outcome).toBe('failed');
    const outcome = await certs('show', 's1#1', '--tenant', 'acme');
    expect(outcome.out).toMatch(
      /^statement: +outcome-certificate\nplace: +s1#1 of acme\nindex: +1 of the log/,
    );
  });

  test('a hostile tool name cannot steer the terminal', async () => {
    const { code, out } = await certs('show', 's1#2');
    expect(code).toBe(0);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(out).toContain('"target": "x\\u001b[2J\\u202e"');
    expect(out).toContain('\nno outcome is recorded\n');
  });

  test('a signature by a key that this folder does not know is not called good', async () => {
    const elsewhere = folders.make();
    await writePlainLog(elsewhere, DECISIONS);
    const keys = join(elsewhere, 'keys');
    for (const name of readdirSync(keys)) if (name.startsWith('evidence.')) rmSync(join(keys, name));
    await openKeyRing(keys, { origin: ORIGIN, create: true, crypto: nodeCrypto() });
    const { code, out } = await pfctl(['certs', 'show', 's1#2', '--data', elsewhere]);
    expect(code).toBe(1);
    expect(out).toMatch(/signature: +verified false: expected a signature by a known key/);
  });
});

test('certs list takes times in every form', async () => {
  const listed = async (...args: string[]) =>
    JSON.parse((await certs('list', '--format', 'json', ...args)).out).length;
  // It is 12:00 in every test.
  expect(await listed('--since', '55 minutes ago')).toBe(2);
  expect(await listed('--since', '50m/45m')).toBe(1);
  expect(await listed('--since', 'Sun Mar  1 11:10:00 UTC 2026', '--until', AT(20))).toBe(1);
  expect(await listed('--until', '@0')).toBe(0);
  expect(await certs('list', '--since', 'soon')).toMatchObject({ code: 3, out: '' });
});

test('a statement that is not plainly one of ours is left to the strict reader, which names what is wrong', () => {
  const signer = { keyid: 'k', sign: () => new Uint8Array(64) };
  const envelope = (payload: string) => ({
    envelope: envelopeBytes(sealEnvelope('application/vnd.x', utf8(payload), [signer])),
  });
  for (const payload of [
    '{"type":"permission-certificate"}',
    'null',
    '[]',
    '1',
    '{',
    '',
    '{"type":"session-record"}',
    '{"issued_at":"x"}',
  ])
    expect(() => glance(envelope(payload)), payload).toThrow();
  for (const bytes of ['', 'null', '{}', '{"payload":1}', '\u0000'])
    expect(() => glance({ envelope: utf8(bytes) })).toThrow();
});
