import type { SecretTarget } from '@provability-fabric/secrets';
import { RequestError } from '../../errors.ts';
import type { Call } from '../../route.ts';
import { nameOf, tenantOf } from '../caller.ts';

export interface KvSettings {
  /** Where the engine is: `secret` in `/v1/secret/data/…`. */
  readonly mount: string;
  /** The first segment of paths like `production/tenants/acme/db`; any other environment is refused. */
  readonly environment: string;
}

/**
 * A path is a name in the token's tenant, or `<environment>/tenants/<tenant>/<name>`. Whether the caller may act in that
 * tenant is the use case's to say. An environment that is not ours must not be read as ours: two paths would then be
 * one secret.
 */
export function kvTarget({ mount, environment }: KvSettings, call: Call): SecretTarget {
  if (call.params.mount !== mount)
    throw new RequestError('NOT_FOUND', `no handler for this route: expected the mount \`${mount}\``);
  const path = nameOf(call);
  const [first, second, tenant, ...rest] = path.split('/');
  if (second !== 'tenants' || tenant === undefined || tenant === '')
    return { tenant: tenantOf(call, undefined), name: path };
  if (first !== environment) {
    const detail = `expected the environment \`${environment}\` in the path, came another`;
    throw new RequestError('SECRET_REQUEST_INVALID', detail);
  }
  return { tenant, name: rest.join('/') };
}
