import { type Caller, SecretError, type SecretName, type Secrets } from '@provability-fabric/secrets';
import type { MountReader, MountSecrets } from './ports.ts';

/** What an operator's rule gives a pod is what this role may: to read, and nothing else. */
const ROLES = ['secrets-viewer'];

/** The secrets service as what pods mount: each file's secret is an access of the pod, recorded as MOUNT. */
export function mountsFromSecrets(secrets: Pick<Secrets, 'mount'>): MountSecrets {
  return {
    read: (reader, name, version) => secrets.mount(callerOf(reader, ROLES), targetOf(reader, name), version),
    async refuse(reader, name) {
      // As somebody without a role: the service denies it and puts that on record the way it does for
      // everybody.
      await secrets.mount(callerOf(reader, []), targetOf(reader, name)).catch((error: unknown) => {
        if (!(error instanceof SecretError) || error.code !== 'SECRET_FORBIDDEN') throw error;
      });
    },
  };
}

function targetOf(
  { tenant }: MountReader,
  name: SecretName,
): { readonly tenant: string; readonly name: string } {
  return { tenant, name };
}

function callerOf(reader: MountReader, roles: readonly string[]): Caller {
  const { tenant, principal, namespace, serviceAccount, pod } = reader;
  return {
    tenant,
    principal,
    roles,
    details: { client: 'csi', namespace, service_account: serviceAccount, pod },
  };
}
