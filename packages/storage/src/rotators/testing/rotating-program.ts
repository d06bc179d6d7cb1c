// Carries a rotation on until it ends, or kills itself where the phase that it is told of was done and not yet written down.
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { SecretError } from '@provability-fabric/secrets';
import { openDatabase } from '../../database/database.ts';
import { createPostgresRolesRotator } from '../postgres-roles.ts';
import { openRotatingHouse, openTestRotations, ROTATED } from './rotating-house.fixture.ts';

const [url = '', id = '', dieBefore = '', refusesTests = ''] = process.argv.slice(2);
const database = await openDatabase({ url, connections: 4 });
const { provider, store } = await openRotatingHouse(database);
const rotator = createPostgresRolesRotator(randomBytes, true);
const rotations = openTestRotations(
  provider,
  {
    ...store,
    async advance(tenant, rotationId, fence, change, leaseMs) {
      if (change.phase === dieBefore) {
        writeSync(1, `dying before ${dieBefore}\n`);
        process.kill(process.pid, 'SIGKILL');
      }
      return store.advance(tenant, rotationId, fence, change, leaseMs);
    },
  },
  refusesTests === ''
    ? rotator
    : {
        ...rotator,
        test: async () => {
          throw new SecretError('ROTATION_FAILED', 'expected a login that nobody gets here');
        },
      },
  1,
);
rotations.start();
for (;;) {
  const { phase = 'none' } = (await store.rotation(ROTATED.tenant, id)) ?? {};
  if (phase === 'done' || phase === 'failed' || phase === 'none') {
    writeSync(1, `ended ${phase}\n`);
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await rotations.stop();
await provider.close();
await database.close();
