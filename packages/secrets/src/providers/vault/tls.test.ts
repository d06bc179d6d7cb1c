import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeVault, newTenant, RUNBOOK_POLICY } from '@provability-fabric/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createVaultProvider } from './vault-provider.ts';

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

it.skipIf(!hasOpenssl && process.env.CI !== 'true')(
  'sends nothing to a Vault whose certificate no authority of ours signed (needs openssl)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vault-tls-'));
    const [key, cert, tokenFile] = ['key', 'cert', 'token'].map((file) => join(folder, file)) as [
      string,
      string,
      string,
    ];
    const subject = ['-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const pair = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
    ];
    execFileSync('openssl', ['req', '-x509', '-days', '1', ...subject, ...pair], { stdio: 'ignore' });
    writeFileSync(tokenFile, 'pod');
    const certificate = readFileSync(cert, 'utf8');
    const vault = await FakeVault.start({
      role: { policy: RUNBOOK_POLICY, ttl: 86_400 },
      podToken: () => 'pod',
      tls: { key: readFileSync(key, 'utf8'), cert: certificate },
    });
    const options = {
      address: vault.address,
      login: { kind: 'kubernetes', role: 'valuecanvas-production', tokenFile },
      attempts: 1,
      clock: Date.now,
      randomBytes,
    } as const;
    const [strange, trusted] = [
      createVaultProvider(options),
      createVaultProvider({ ...options, certificateAuthority: certificate }),
    ];
    onTestFinished(async () => {
      await Promise.all([strange.close(), trusted.close()]);
      await vault.close();
      rmSync(folder, { recursive: true });
    });
    const page = { prefix: '', limit: 1 };
    const refused = await strange.list(newTenant(), page).catch((error) => error);
    expect(refused).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(refused.message).toContain('SELF_SIGNED_CERT');
    expect(vault.asked).toEqual([]);
    expect((await trusted.list(newTenant(), page)).names).toEqual([]);
  },
);
