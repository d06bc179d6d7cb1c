import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Client, createClient } from '../client.ts';
import { type Behaviour, decisionFor, FakeFabric, json, TOKEN } from '../testing/fake-fabric.ts';
import { guard } from './guard-function.ts';

let fabric: FakeFabric;
let client: Client;
beforeEach(async () => {
  fabric = new FakeFabric();
  client = createClient({ url: await fabric.start(), token: TOKEN, retries: 0 });
});
afterEach(() => fabric.stop());
const allowing =
  (more: JsonObject): Behaviour =>
  async ({ body }, response) =>
    json(response, 200, { ...(await decisionFor(body)), ...more });
it('reports a call that it cannot run with the values that handles stand for', async () => {
  let deep: JsonValue = 'x';
  for (let i = 0; i < 485; i++) deep = [deep];
  fabric.behaviours.push(allowing({ arguments: { text: deep } }));
  const file = guard(client, async () => 'ran', { name: 'file' });
  await expect(file({ text: `pfh1_${'a'.repeat(32)}` } as never)).rejects.toMatchObject({
    code: 'ARGUMENTS_UNFIT',
  });
  expect(fabric.outcomes).toMatchObject([{ outcome: 'failed' }]);
});
