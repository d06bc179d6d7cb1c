import type { IncomingMessage } from 'node:http';
import { EndpointRefusal } from './http-answer.ts';

/** Whose pages may talk to the endpoint, and under which names it is reached. */
export interface HostRules {
  /** Values of the Host header, port included; loopback names need not be listed. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Values of the Origin header. A browser sends one; other clients do not. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

export const PRIMED_FROM = '2025-11-25';
/** What a client without the header speaks (MCP 2025-06-18, transports, protocol version header). */
const ASSUMED_VERSION = '2025-03-26';
const KNOWN_VERSIONS = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']);
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/**
 * Against DNS rebinding: a page whose name was made to point here is still sent with that name. Over loopback only
 * loopback names are answered; from elsewhere any, unless they are listed. A page's origin must be listed or, over
 * loopback, be a loopback one.
 */
export function checkOrigin({ headers, socket }: IncomingMessage, rules: HostRules): void {
  const overLoopback = /^(::ffff:)?127\.|^::1$/.test(socket.localAddress ?? '');
  const host = headers.host ?? '';
  const hosts = rules.allowedHosts ?? [];
  const checked = overLoopback || rules.allowedHosts !== undefined;
  if (checked && !hosts.includes(host) && !(overLoopback && LOOPBACK_HOST.test(host))) {
    throw new EndpointRefusal('HOST_REFUSED', 'expected a Host under which this endpoint is known');
  }
  const { origin } = headers;
  if (origin === undefined || rules.allowedOrigins?.includes(origin) === true) return;
  if (!(overLoopback && LOOPBACK_ORIGIN.test(origin))) {
    throw new EndpointRefusal('ORIGIN_REFUSED', 'expected an Origin that is allowed here, or none');
  }
}

/** The version of the transport that the client goes by. */
export function protocolVersion({ headers }: IncomingMessage): string {
  const version = headers['mcp-protocol-version'] ?? ASSUMED_VERSION;
  if (typeof version === 'string' && KNOWN_VERSIONS.has(version)) return version;
  const known = [...KNOWN_VERSIONS].join(', ');
  throw new EndpointRefusal('PROTOCOL_VERSION', `expected MCP-Protocol-Version to be one of ${known}`);
}

export function checkAccepts({ headers }: IncomingMessage, ...types: readonly string[]): void {
  const accepted = (headers.accept ?? '')
    .split(',')
    .map((part) => part.split(';', 1)[0]?.trim().toLowerCase());
  const isAccepted = (type: string) =>
    accepted.includes(type) || accepted.includes('*/*') || accepted.includes(`${type.split('/')[0]}/*`);
  if (types.every(isAccepted)) return;
  throw new EndpointRefusal('NOT_ACCEPTABLE', `expected Accept to name ${types.join(' and ')}`);
}

export function checkContentType({ headers }: IncomingMessage): void {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const encoding = headers['content-encoding'] ?? 'identity';
  if (type === 'application/json' && encoding === 'identity') return;
  throw new EndpointRefusal('CONTENT_TYPE', 'expected Content-Type application/json, not compressed');
}

/** The session that the client names; undefined for none. Only our own ids are looked up. */
export function sessionIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['mcp-session-id'];
  return typeof id === 'string' ? id : undefined;
}
