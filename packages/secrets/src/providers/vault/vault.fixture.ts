import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeVault, RUNBOOK_POLICY } from '@provability-fabric/testkit';
import { onTestFinished } from 'vitest';
import type { SecretProvider } from '../../provider.ts';
import type { VaultLogin, VaultOptions } from './options.ts';
import { createVaultProvider } from './vault-provider.ts';

export interface OpenVault {
  readonly vault: FakeVault;
  readonly provider: SecretProvider;
  /** The content of the credential's file. */
  readonly setCredential: (text: string) => void;
  /** Ours and Vault's. */
  readonly advance: (ms: number) => void;
}

interface Choices {
  readonly login?: VaultLogin['kind'];
  readonly role?: Partial<Parameters<typeof FakeVault.start>[0]['role']>;
  readonly namespace?: string;
  /** How far Vault's clock is ahead of ours, in ms. */
  readonly skew?: number;
  readonly options?: Partial<VaultOptions>;
}

/** A fake Vault with the runbook's policy and role, and a provider that logs in to it. */
export async function openVault(choices: Choices = {}): Promise<OpenVault> {
  const { login = 'kubernetes', namespace = 'valuecanvas' } = choices;
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  let credential = 'first-credential';
  const vault = await FakeVault.start({
    role: { policy: RUNBOOK_POLICY, ttl: 86_400, ...choices.role },
    namespace,
    roleId: 'role-1',
    secretId: 'first-credential',
    podToken: () => credential,
    now: () => clock() + (choices.skew ?? 0),
  });
  const folder = mkdtempSync(join(tmpdir(), 'vault-'));
  const file = join(folder, 'credential');
  const setCredential = (text: string) => {
    credential = text;
    writeFileSync(file, `${text}\n`);
  };
  setCredential(credential);
  const provider = createVaultProvider({
    address: vault.address,
    namespace,
    login: loginOf(login, file),
    timeoutMs: 2_000,
    clock,
    randomBytes,
    ...choices.options,
  });
  onTestFinished(async () => {
    await provider.close();
    await vault.close();
    rmSync(folder, { recursive: true });
  });
  return {
    vault,
    provider,
    setCredential,
    advance: (ms) => {
      ahead += ms;
    },
  };
}

function loginOf(kind: VaultLogin['kind'], file: string): VaultLogin {
  if (kind === 'token') return { kind, tokenFile: file };
  if (kind === 'approle') return { kind, roleId: 'role-1', secretIdFile: file };
  return { kind, role: 'valuecanvas-production', tokenFile: file };
}
