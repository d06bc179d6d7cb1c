import type { RelayEvents } from '../ports.ts';
import { type Credentials, NO_CREDENTIALS } from './credentials.ts';
import { type HttpUpstreamDefinition, httpUrl } from './definition.ts';
import { HttpConnection } from './http-connection.ts';
import { HttpUpstream } from './http-upstream.ts';

export interface ConnectOptions {
  readonly events: RelayEvents;
  readonly credentials?: Credentials;
  /** Longest message of the server; default 64 MiB. */
  readonly maxMessageBytes?: number;
  /** How long a response may come late; default 30 s. */
  readonly lateMs?: number;
}

const DEFAULT_MESSAGE_BYTES = 64 * 1024 * 1024;
const DEFAULT_LATE_MS = 30_000;

/** One session with an MCP server over streamable HTTP, for `startRelay`. Connects with the first message. */
export function connectUpstream(
  { url, ca }: Pick<HttpUpstreamDefinition, 'url' | 'ca'>,
  { events, credentials, maxMessageBytes, lateMs }: ConnectOptions,
): HttpUpstream {
  const connection = new HttpConnection(httpUrl(url), ca);
  const upstream = new HttpUpstream({
    connection,
    credentials: credentials ?? NO_CREDENTIALS,
    events,
    maxMessageBytes: maxMessageBytes ?? DEFAULT_MESSAGE_BYTES,
    lateMs: lateMs ?? DEFAULT_LATE_MS,
  });
  void upstream.done.then(() => connection.close());
  return upstream;
}
