import { newTenant, placeOf } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { openVault } from './vault.fixture.ts';

const HOUR = 3_600_000;
const read = { prefix: '', limit: 1 };

describe("Vault's tokens", () => {
  it('are asked for once, however many wait', async () => {
    const { provider, vault } = await openVault();
    await Promise.all(Array.from({ length: 40 }, () => provider.list(newTenant(), read)));
    expect(vault.tokens.logins).toBe(1);
  });

  it('are renewed when two thirds of their time have passed, and not before', async () => {
    const { provider, vault, advance } = await openVault();
    await provider.list(newTenant(), read);
    advance(15 * HOUR);
    await provider.list(newTenant(), read);
    expect([vault.tokens.logins, vault.tokens.renewals]).toEqual([1, 0]);
    advance(2 * HOUR);
    await Promise.all([1, 2, 3].map(() => provider.list(newTenant(), read)));
    expect([vault.tokens.logins, vault.tokens.renewals]).toEqual([1, 1]);
    // Beyond the 24 hours of the login: it would have ended.
    advance(10 * HOUR);
    await provider.list(newTenant(), read);
    expect(vault.tokens.logins).toBe(1);
  });

  it('are had anew by another login where they cannot be renewed, ended or were revoked', async () => {
    const fixed = await openVault({ role: { renewable: false } });
    await fixed.provider.list(newTenant(), read);
    fixed.advance(17 * HOUR);
    await fixed.provider.list(newTenant(), read);
    expect([fixed.vault.tokens.logins, fixed.vault.tokens.renewals]).toEqual([2, 0]);
    fixed.advance(48 * HOUR);
    await fixed.provider.list(newTenant(), read);
    expect(fixed.vault.tokens.logins).toBe(3);
    fixed.advance(HOUR);
    fixed.vault.tokens.revokeAll();
    await Promise.all([1, 2, 3, 4].map(() => fixed.provider.list(newTenant(), read)));
    expect(fixed.vault.tokens.logins).toBe(4);
  });

  it('are had anew before the end that no renewal moves', async () => {
    const { provider, vault, advance } = await openVault({ role: { maxTtl: 30 * 3_600 } });
    await provider.list(newTenant(), read);
    advance(17 * HOUR);
    await provider.list(newTenant(), read);
    advance(10 * HOUR);
    await provider.list(newTenant(), read);
    expect(vault.tokens.logins).toBe(2);
  });

  it('outlive a clock that jumps back', async () => {
    const { provider, vault, advance } = await openVault({ role: { renewable: false } });
    await provider.list(newTenant(), read);
    advance(-HOUR);
    vault.tokens.revokeAll();
    advance(HOUR + 5_000);
    await provider.list(newTenant(), read);
    expect(vault.tokens.logins).toBe(2);
  });

  it("are had with the pod's token as it is at that moment", async () => {
    const { provider, vault, advance, setCredential } = await openVault({ role: { renewable: false } });
    await provider.list(newTenant(), read);
    setCredential('second-credential');
    advance(17 * HOUR);
    await provider.list(newTenant(), read);
    expect(vault.tokens.logins).toBe(2);
  });

  it('are had by AppRole too', async () => {
    const { provider, vault, setCredential, advance } = await openVault({ login: 'approle' });
    await provider.list(newTenant(), read);
    expect(vault.asked[0]).toBe('POST auth/approle/login');
    setCredential('a-wrong-secret-id');
    advance(48 * HOUR);
    const error = await provider.list(newTenant(), read).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'PROVIDER_FORBIDDEN' });
    expect(error.message).not.toContain('a-wrong-secret-id');
    expect(await provider.health()).toEqual([error.message]);
  });

  it('that are given in a file are renewed, and read again when they end', async () => {
    const { provider, vault, advance, setCredential } = await openVault({ login: 'token' });
    const role = { policy: [], ttl: 7_200 };
    setCredential(vault.tokens.issue({ ...role, maxTtl: 8_000 }));
    await expect(provider.read(placeOf())).rejects.toMatchObject({ code: 'PROVIDER_FORBIDDEN' });
    advance(1.5 * HOUR);
    expect(await provider.health()).toEqual([
      "vault's token is about to end and cannot be renewed; put another into its file",
    ]);
    expect(vault.tokens.renewals).toBe(1);
    setCredential(vault.tokens.issue({ ...role, ttl: 86_400 }));
    advance(2 * HOUR);
    expect(await provider.health()).toEqual([]);
  });

  it.each(['', 'two\nlines', 'a token'])('are not taken from a file that holds `%s`', async (text) => {
    const { provider, setCredential } = await openVault({ login: 'token' });
    setCredential(text);
    const error = await provider.list(newTenant(), read).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    if (text !== '') expect(error.message).not.toContain(text);
  });

  it('are not asked for in a loop by one who asks for what is forbidden', async () => {
    const { provider, vault, advance } = await openVault({ role: { policy: [] } });
    for (let count = 0; count < 5; count++) {
      await expect(provider.read(placeOf())).rejects.toMatchObject({ code: 'PROVIDER_FORBIDDEN' });
      advance(10_000);
    }
    expect(vault.tokens.logins).toBe(1);
  });

  it('are renewed while nobody asks', async () => {
    const { provider, vault } = await openVault({ role: { ttl: 2 } });
    await provider.list(newTenant(), read);
    const until = Date.now() + 4_000;
    while (vault.tokens.renewals === 0 && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(vault.tokens.renewals).toBeGreaterThan(0);
  });
});
