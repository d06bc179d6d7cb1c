import { randomUUID } from 'node:crypto';
import { asSecretName, asSecretTenant, createKeyPairRotator } from '@provability-fabric/secrets';
import { describe, expect, it } from 'vitest';
import { openHouse } from './broker.fixture.ts';

const PASSWORD = 'first-9fQ2mZr7Lw4XbC1v';

describe('what rotators keep beside a secret', () => {
  it('stops no text that speaks of turns or times, and the password still', async () => {
    const { broker, write } = await openHouse();
    await write('db/primary', {
      active_user: 'secondary',
      last_rotated_at: '2026-11-22T18:00:00.000Z',
      password: PASSWORD,
    });
    expect(await broker.exposedIn('acme', 'the secondary index, built 2026-11-22T18:07:31.250Z')).toEqual([]);
    expect(await broker.exposedIn('acme', `it is ${PASSWORD}`)).toHaveLength(1);
  });

  it.each(['ed25519', 'rsa'])('stops no public key (%s), and the private one still', async (algorithm) => {
    const { broker, write } = await openHouse();
    const pair = await createKeyPairRotator().generate(
      {},
      {
        rotationId: randomUUID(),
        place: { tenant: asSecretTenant('acme'), name: asSecretName('signing') },
        options: { algorithm, bits: 2048 },
        now: 0,
        signal: new AbortController().signal,
        readSecret: () => Promise.reject(new Error('none')),
      },
    );
    await write('signing', pair);
    const { private_key: secret = '', jwk = '', kid = '' } = pair;
    expect(await broker.exposedIn('acme', { keys: [JSON.parse(jwk)], header: { kid } })).toEqual([]);
    expect(await broker.exposedIn('acme', secret)).toHaveLength(1);
  });

  it('is looked for where it is something else under such a name', async () => {
    const { broker, write } = await openHouse();
    const jwk = JSON.stringify({ kty: 'oct', k: PASSWORD });
    await write('odd', {
      active_user: 'k3Zq8wLm2PxV',
      last_rotated_at: 'Tn5cYd9RbJ1e',
      jwk,
      kid: 'Hs6uGa4FqE7o',
    });
    for (const value of ['k3Zq8wLm2PxV', 'Tn5cYd9RbJ1e', PASSWORD, 'Hs6uGa4FqE7o'])
      expect(await broker.exposedIn('acme', value)).toHaveLength(1);
  });
});
