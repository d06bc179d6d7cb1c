import { formatInstant } from '@provability-fabric/policy';
import { readQuery } from '../../query.ts';
import type { Answer } from '../../respond.ts';
import type { Call, GuardedRoute, PublicRoute } from '../../route.ts';
import { kvAnswer, kvAuth, kvRefusal } from './kv-answer.ts';
import type { KvOptions } from './kv-data.ts';
import { requireMount } from './kv-metadata.ts';

export interface SystemOptions extends KvOptions {
  /** ms since 1970. */
  now(): number;
  /** Of the fabric, as its clients are told. */
  readonly version: string;
}

const CLUSTER = 'provability-fabric';
/** Anyone may ask, often. */
const REMEMBER_MS = 1000;

/** Whether it is sealed: for clients that look before they log in, and for probes. */
export function systemRoutes(options: SystemOptions): readonly PublicRoute[] {
  const sealed = sealedOf(options);
  return [
    {
      kind: 'public',
      method: 'GET',
      pattern: '/v1/sys/health',
      async serve() {
        const isSealed = await sealed();
        const body = {
          initialized: true,
          sealed: isSealed,
          standby: false,
          performance_standby: false,
          replication_performance_mode: 'disabled',
          replication_dr_mode: 'disabled',
          server_time_utc: Math.floor(options.now() / 1000),
          version: options.version,
          cluster_name: CLUSTER,
        };
        return { status: isSealed ? 503 : 200, body };
      },
    },
    {
      kind: 'public',
      method: 'GET',
      pattern: '/v1/sys/seal-status',
      async serve() {
        const body = {
          type: 'root-key',
          initialized: true,
          sealed: await sealed(),
          t: 1,
          n: 1,
          progress: 0,
          nonce: '',
          version: options.version,
          build_date: '',
          migration: false,
          cluster_name: CLUSTER,
          recovery_seal: false,
          storage_type: 'provability-fabric',
        };
        return { status: 200, body };
      },
    },
  ];
}

/** What clients ask about the token that they have, and about the engine behind a path. */
export function selfRoutes(options: SystemOptions): readonly GuardedRoute[] {
  const guarded = { kind: 'guarded', tokenHeader: 'x-vault-token', refusal: kvRefusal } as const;
  const renew = { ...guarded, serve: async (call: Call) => renewSelf(options, call) };
  return [
    {
      ...guarded,
      method: 'GET',
      pattern: '/v1/auth/token/lookup-self',
      serve: async (call) => lookupSelf(options, call),
    },
    { ...renew, method: 'POST', pattern: '/v1/auth/token/renew-self' },
    { ...renew, method: 'PUT', pattern: '/v1/auth/token/renew-self' },
    {
      ...guarded,
      method: 'GET',
      pattern: '/v1/sys/internal/ui/mounts/*',
      serve: async (call) => mountOf(options, call),
    },
  ];
}

/** Which engine is behind a path, and its version: the clients' first question before any KV call. */
function mountOf(options: SystemOptions, call: Call): Answer {
  readQuery(call.query, []);
  requireMount(options, (call.params['*'] ?? '').split('/', 1)[0] ?? '');
  return kvAnswer(call, {
    accessor: 'kv_provability_fabric',
    config: { default_lease_ttl: 0, force_no_cache: false, max_lease_ttl: 0 },
    description: 'secrets of one tenant each',
    external_entropy_access: false,
    local: false,
    options: { version: '2' },
    path: `${options.mount}/`,
    seal_wrap: false,
    type: 'kv',
    uuid: '',
  });
}

function lookupSelf({ now }: SystemOptions, call: Call): Answer {
  readQuery(call.query, []);
  const { principal, capability } = call.identity;
  return kvAnswer(call, {
    accessor: capability?.id ?? '',
    creation_time: 0,
    creation_ttl: 0,
    display_name: principal.id,
    entity_id: '',
    expire_time: capability === null ? null : formatInstant(capability.expires),
    explicit_max_ttl: 0,
    // Vault repeats the token here. Ours is not shown again.
    id: '',
    meta: { tenant: principal.tenant },
    num_uses: 0,
    orphan: true,
    path: 'auth/token/create',
    policies: [...principal.roles],
    renewable: false,
    ttl: secondsLeft(now, call),
    type: 'service',
  });
}

/** Tokens are not renewed: their issuer makes new ones. Clients learn how long they have. */
function renewSelf({ now }: SystemOptions, call: Call): Answer {
  readQuery(call.query, []);
  const { principal, capability } = call.identity;
  return kvAuth(call, {
    client_token: '',
    accessor: capability?.id ?? '',
    policies: [...principal.roles],
    token_policies: [...principal.roles],
    metadata: { tenant: principal.tenant },
    lease_duration: secondsLeft(now, call),
    renewable: false,
    entity_id: '',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0,
  });
}

function secondsLeft(now: () => number, { identity }: Call): number {
  const { capability } = identity;
  return capability === null ? 0 : Math.max(0, Math.floor((capability.expires - now()) / 1000));
}

function sealedOf({ secrets, now }: SystemOptions): () => Promise<boolean> {
  let known: { readonly at: number; readonly sealed: Promise<boolean> } | undefined;
  return () => {
    const at = now();
    if (known === undefined || at - known.at >= REMEMBER_MS || at < known.at) {
      // What cannot be found out is not open.
      const sealed = secrets.health().then(
        (health) => health.sealed,
        () => true,
      );
      known = { at, sealed };
    }
    return known.sealed;
  };
}
