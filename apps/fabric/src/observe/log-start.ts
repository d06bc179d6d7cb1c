import type { CompiledBundle, Principal } from '@provability-fabric/policy';
import type { Logger } from 'pino';

/** Says what is in force and where the evidence goes, so that nobody has to guess a folder. */
export function logStart(
  log: Logger,
  { dataFolder, bundle }: { readonly dataFolder: string; readonly bundle: CompiledBundle },
): void {
  const { name, version } = bundle;
  log.info(
    { event: 'started', tags: [], data_folder: dataFolder, bundle: name, version },
    `bundle ${name} version ${version}, evidence in ${dataFolder}`,
  );
}

/** An agent without a role that the policies name is refused everything: legal, and hardly ever meant. */
export function warnOfRoles(log: Logger, bundle: CompiledBundle, { roles }: Principal): void {
  const named = new Set<string>();
  for (const { effect, principal } of bundle.cedar.policies) {
    if (effect !== 'permit') continue;
    if (principal.op !== 'in' && principal.op !== 'is in') return; // some permit asks for no role
    if (principal.entity.type !== 'Role') return;
    named.add(principal.entity.id);
  }
  if (named.size === 0 || roles.some((role) => named.has(role))) return;
  const known = [...named].sort().join(', ');
  log.warn(
    { event: 'no_permit_applies', tags: [], roles, known_roles: [...named].sort() },
    `no permit applies to the roles given (${roles.join(', ') || 'none'}); the bundle names: ${known}. Use --role`,
  );
}
