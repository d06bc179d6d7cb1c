import { UpstreamError } from '../errors.ts';

/** How the fabric shows the caller to an upstream over HTTP. */
export type UpstreamAuthorization =
  /** Not at all. */
  | 'none'
  /** With the caller's own bearer token. */
  | 'pass'
  /** With a token that the authorization server gives for the caller's (RFC 8693). */
  | { readonly exchange: TokenExchange };

export interface TokenExchange {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  /** Name of the client's secret, never the secret. */
  readonly clientSecret: string;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
  readonly scope?: string | undefined;
}

export interface StdioUpstreamDefinition {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface HttpUpstreamDefinition {
  readonly kind: 'http';
  readonly url: string;
  readonly authorization: UpstreamAuthorization;
  /** PEM of the authorities that may vouch for the server, where they are not the system's. */
  readonly ca?: string | undefined;
}

export type UpstreamDefinition = (StdioUpstreamDefinition | HttpUpstreamDefinition) & {
  /** Before the names of its tools and prompts, in `/mcp/all` and as the policy knows them; may be empty. */
  readonly prefix: string;
};

/** The endpoint that joins all upstreams; no upstream may have its name. */
export const ALL = 'all';
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** It is part of the path, and in the log. */
export function checkUpstreamName(name: string): void {
  if (NAME.test(name) && name !== ALL) return;
  const text = `expected the name of an upstream to be a-z 0-9 - of at most 64 characters, and not \`${ALL}\``;
  throw new UpstreamError('UPSTREAM_NAME_INVALID', text);
}

export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UpstreamError('UPSTREAM_URL_INVALID', 'expected an http or https URL of an MCP server');
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    const text = 'expected a URL without user, password and fragment; say how to authorise beside it';
    throw new UpstreamError('UPSTREAM_URL_INVALID', text);
  }
  return url;
}
