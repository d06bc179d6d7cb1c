import type { Identity, TokenVerifier } from '../../ports.ts';
import { FakeTokens, TOKENS } from '../../testing/fake-tokens.ts';
import { startListener } from '../../testing/start-server.ts';
import type { SecretAccessQuery, SecretAccessRow } from '../ports.ts';
import { SECRETS_LIMITS, type SecretsOptions, secretsRoutes } from '../secrets-routes.ts';
import { FakeRotations } from './fake-rotations.ts';
import { FakeSecrets } from './fake-secrets.ts';

export const NOW = 1_767_225_600_000;
/** Long enough that no accident puts it anywhere. */
export const CANARY = 'canary-Xq7vB2mZ9tKw';

/** The routes of secrets over fakes; `acme` has a secret `db/primary` of two versions. */
export async function startSecrets(options: Partial<SecretsOptions> = {}) {
  const secrets = new FakeSecrets();
  secrets.seed('acme', 'db/primary', { password: 'old' }, { password: CANARY, user: 'app' });
  const rotations = new FakeRotations(secrets);
  const audited: (SecretAccessQuery & { readonly tenant: string | null; readonly limit: number })[] = [];
  const events: unknown[] = [];
  const rows: SecretAccessRow[] = [];
  const routes = secretsRoutes({
    secrets,
    rotations,
    audit: {
      async list({ tenant }, query, { limit }) {
        audited.push({ tenant, ...query, limit });
        return { rows: rows.slice(0, limit), next: rows.length > limit ? 'more' : null };
      },
    },
    fingerprints: {
      async of(caller, tenant, known) {
        await secrets.admit(caller, 'fingerprint', { tenant, name: '' });
        return { etag: 'e1', fingerprints: known === 'e1' ? null : { key: 'k', entries: [] } };
      },
    },
    kv: { mount: 'secret', environment: 'production' },
    now: () => NOW,
    version: '0.1.0',
    log: (event) => events.push(event),
    ...options,
  });
  const started = await startListener(routes, SECRETS_LIMITS, undefined, new SecretTokens());
  return { ...started, secrets, rotations, audited, rows, events };
}

/** `ROLE@TENANT`, beside the tokens that all fakes know. */
class SecretTokens extends FakeTokens {
  override verify: TokenVerifier['verify'] = async (authorization, peer) => {
    const [, role = '', tenant = ''] = /^Bearer (.+)@(.+)$/.exec(authorization ?? '') ?? [];
    if (role === '') return super.verify(authorization, peer);
    this.seen.push(authorization);
    const agent = TOKENS['agent-token'] as Identity;
    const principal = { ...agent.principal, id: `${role}-1`, roles: [role], org: tenant, tenant };
    return { ok: true, ...agent, principal, session: null };
  };
}
