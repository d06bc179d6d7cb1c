import { canonicalBytes, type JsonObject } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFabric, json, problem, TOKEN } from '../testing/fake-fabric.ts';
import { createLedgerClient, type LedgerClient } from './ledger-client.ts';

let fabric: FakeFabric;
let ledger: LedgerClient;
beforeEach(async () => {
  fabric = new FakeFabric();
  ledger = createLedgerClient({ url: await fabric.start(), token: TOKEN, timeoutMs: 2000, retryDelayMs: 1 });
});
afterEach(() => fabric.stop());

const certificate = (index: number): JsonObject => ({
  type: 'permission-certificate',
  certificate_id: `${index}`.padStart(64, '0'),
  tenant: 'acme',
  session: 'desk-17',
  seq: index,
  effect: 'block',
  verdict: 'reject',
  issued_at: '2026-03-01T10:00:00.000Z',
  index,
  signature: 'c2ln',
});
const page = (rows: readonly JsonObject[], next?: string) =>
  fabric.behaviours.push((_, response) =>
    json(response, 200, rows, next === undefined ? {} : { link: `<${next}>; rel="next"` }),
  );

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the pages of the ledger', () => {
  it('send the token nowhere else, and do not go round in a circle', async () => {
    page([certificate(1)], 'https://evil.example/permission-certificates');
    await expect(all(ledger.certificates())).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
    page([certificate(1)], '/permission-certificates');
    await expect(all(ledger.certificates())).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
  });

  it('are refused where a row is no statement of that kind', async () => {
    const { signature, ...unsigned } = certificate(1);
    for (const rows of [
      [unsigned],
      [{ ...certificate(1), effect: 'maybe' }],
      [{ index: 1, signature }],
      [null],
    ]) {
      page(rows as JsonObject[]);
      await expect(all(ledger.certificates())).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
    }
  });

  it('come one after the other, as they are consumed', async () => {
    page([certificate(1), certificate(2)], '/permission-certificates?cursor=x');
    const certificates = ledger.certificates({
      since: new Date('2026-03-01T00:00:00Z'),
      until: '2026-03-02T00:00:00+01:00',
      tenant: 'acme',
      session: 'desk-17',
      principal: 'agent-1',
      pageSize: 2,
    });
    const iterator = certificates[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ seq: 1, effect: 'block', tenant: 'acme' });
    expect((await iterator.next()).value).toMatchObject({
      issuedAt: new Date('2026-03-01T10:00:00Z'),
      statement: certificate(2),
    });
    expect(fabric.came.map(({ path }) => path)).toEqual([
      '/permission-certificates?since=2026-03-01T00%3A00%3A00.000Z&until=2026-03-02T00%3A00%3A00%2B01%3A00&tenant=acme&session=desk-17&principal=agent-1&limit=2',
    ]);
    fabric.behaviours.push((_, response) => problem(response, 503, 'LEDGER_UNAVAILABLE', 'restarting'));
    page([certificate(3)]);
    expect((await iterator.next()).value).toMatchObject({ seq: 3 });
    expect((await iterator.next()).done).toBe(true);
    expect(fabric.came.at(-1)?.path).toBe('/permission-certificates?cursor=x');
  });

  it('end with the signal of whoever reads them', async () => {
    const stopped = new AbortController();
    page([certificate(1)], '/receipts?cursor=x');
    const reading = async () => {
      for await (const _ of ledger.receipts({ signal: stopped.signal })) stopped.abort(new Error('enough'));
    };
    await expect(reading()).rejects.toThrow('enough');
  });
});

describe('the ledger', () => {
  it('gives evidence byte for byte, and nothing that is no evidence', async () => {
    const file = canonicalBytes({ format: 'provability-fabric/evidence/v1', big: 12345678901234567890n });
    fabric.behaviours.push((_, response) => void response.end(file));
    expect(Buffer.from(await ledger.evidence('a/b')).equals(file)).toBe(true);
    expect(fabric.came[0]?.path).toBe('/evidence/a%2Fb');
    for (const other of ['{}', '', '<html>'] as const) {
      fabric.behaviours.push((_, response) => void response.end(other));
      await expect(ledger.evidence('x')).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
    }
    await expect(ledger.evidence('x')).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
  });

  it('counts, and shows its checkpoint', async () => {
    fabric.behaviours.push((_, response) => json(response, 200, { count: 3 }));
    expect(await ledger.countEgressCertificates({ tenant: 'acme' })).toBe(3);
    expect(fabric.came[0]?.path).toBe('/egress-certificates/count?tenant=acme');
    fabric.behaviours.push((_, response) => void response.end('origin\n3\nroot\n'));
    expect(await ledger.checkpoint()).toBe('origin\n3\nroot\n');
    expect(fabric.came.at(-1)?.headers.authorization).toBeUndefined();
    fabric.behaviours.push((_, response) => void response.end(Buffer.of(0xff)));
    await expect(ledger.checkpoint()).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
  });
});
