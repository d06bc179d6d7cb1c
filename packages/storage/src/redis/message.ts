import { asSecretName, asSecretTenant } from '@provability-fabric/secrets';

export interface Changed {
  readonly tenant: string;
  readonly name: string;
}

/** A name has 255 characters at most, a tenant 120. */
const MAX_CHARACTERS = 1_024;

export function encodeChange({ tenant, name }: Changed): string {
  return JSON.stringify([tenant, name]);
}

/** From a replica some of whose messages were lost on the way. */
export const FORGET_EVERYTHING = '*';

/**
 * Null: everything. Undefined: nothing that a replica sends; whoever reaches Redis can say anything on a
 * channel.
 */
export function decodeChange(message: string): Changed | null | undefined {
  if (message === FORGET_EVERYTHING) return null;
  if (message.length > MAX_CHARACTERS) return undefined;
  try {
    const parts: unknown = JSON.parse(message);
    if (!Array.isArray(parts) || parts.length !== 2) return undefined;
    const [tenant, name] = parts;
    if (typeof tenant !== 'string' || typeof name !== 'string') return undefined;
    return { tenant: asSecretTenant(tenant), name: asSecretName(name) };
  } catch {
    return undefined;
  }
}
