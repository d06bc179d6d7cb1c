import { afterEach, expect, it } from 'vitest';
import type { GuardedRoute } from './route.ts';
import { startSecrets } from './secrets/testing/start-secrets.ts';
import { ask } from './testing/clients.ts';
import { startListener, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

it('leaves room for the others beside the crowd of one tenant', async () => {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const slow: GuardedRoute = {
    kind: 'guarded',
    method: 'GET',
    pattern: '/slow',
    async serve({ identity }) {
      if (identity.principal.tenant === 'acme') await held;
      return { status: 200, body: {} };
    },
  };
  const { tokens } = await startSecrets();
  const limits = { maxInFlight: 4, tenantShare: 0.5 };
  const { port } = await startListener([slow], limits, undefined, tokens);
  const come = (tenant: string) => ask(port, '/slow', { token: `secrets-viewer@${tenant}` });
  const inside = [come('acme'), come('acme')];
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await come('acme')).toMatchObject({ status: 503, code: 'OVERLOADED' });
  expect((await come('globex')).status).toBe(200);
  letGo();
  expect((await Promise.all(inside)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await come('acme')).status).toBe(200);
});
