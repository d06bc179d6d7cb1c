// A provider to try it with: sealed as in production, and kept in memory. An application has its own here, of Vault or AWS.
import { randomBytes } from 'node:crypto';
import { asSecretName, asSecretTenant, createEmbeddedProvider, RootKeys } from '@provability-fabric/secrets';
import { MemorySecretRows } from '@provability-fabric/testkit';

const rows = new MemorySecretRows();
const rootKeys = new RootKeys({ rows, random: randomBytes });
const key = randomBytes(32);
await rootKeys.unseal({
  kind: 'file',
  make: async () => ({ key: Buffer.from(key), parameters: new Uint8Array(0) }),
  derive: async () => Buffer.from(key),
});

export const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
export const place = { tenant: asSecretTenant('acme-corp'), name: asSecretName('database_credentials') };
await provider.write(place, { username: 'app', password: 'to be changed' }, { author: 'alice' });
