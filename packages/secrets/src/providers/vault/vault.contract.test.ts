import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeProviderContract, FakeVault, WIDER_POLICY } from '@provability-fabric/testkit';
import { createVaultProvider } from './vault-provider.ts';

describeProviderContract('Vault (a fake, with a policy that grants single versions)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  const vault = await FakeVault.start({
    role: { policy: WIDER_POLICY, ttl: 86_400 },
    namespace: 'valuecanvas',
    podToken: () => 'pod',
  });
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'pod\n');
  const provider = createVaultProvider({
    address: vault.address,
    namespace: 'valuecanvas',
    login: { kind: 'kubernetes', role: 'valuecanvas-production', tokenFile },
    clock: Date.now,
    randomBytes,
  });
  return {
    provider,
    loseNextAnswer: () => vault.trap((method) => method !== 'GET', { kind: 'lose-answer' }),
    logged: () => vault.asked.join('\n'),
    close: async () => {
      await vault.close();
      await rm(folder, { recursive: true });
    },
  };
});
