import { createHash } from 'node:crypto';

export const CURRENT = 'AWSCURRENT';
export const PREVIOUS = 'AWSPREVIOUS';
export const PENDING = 'AWSPENDING';
/** On the version that says that a secret was removed through us. */
export const REMOVED = 'fabric-removed';

const OURS = /^fabric-(?:v[0-9]+|pending)-[0-9a-f]{12}$/;
/** AWS has room for 20 in a secret: three are its own, one a write's, one a rotation's. */
export const MOST_VERSIONS = 15;

/** AWS prunes versions without a label, so each that is to stay has one of its own. */
export function keepingLabel(version: number, uuid: string): string {
  return `fabric-v${version}-${short(uuid)}`;
}

export function pendingLabel(uuid: string): string {
  return `fabric-pending-${short(uuid)}`;
}

export function isOurLabel(label: string): boolean {
  return OURS.test(label);
}

/** For what is kept of a token. */
export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

function short(uuid: string): string {
  return createHash('sha256').update(uuid).digest('hex').slice(0, 12);
}
