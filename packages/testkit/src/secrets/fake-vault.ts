import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { error, FakeKeyValue, type Reply } from './fake-vault-kv.ts';
import { grants, policyOf } from './fake-vault-policies.ts';
import { type FakeRole, FakeTokens } from './fake-vault-tokens.ts';

/** `vault policy write valuecanvas-production` of the runbook. */
export const RUNBOOK_POLICY = policyOf(`
path "secret/data/production/tenants/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "secret/metadata/production/tenants/*" {
  capabilities = ["read", "list", "delete"]
}
`);

/** What else single versions and their number need. */
export const WIDER_POLICY = [
  ...RUNBOOK_POLICY,
  ...policyOf(`
path "secret/delete/production/tenants/*" { capabilities = ["update"] }
path "secret/undelete/production/tenants/*" { capabilities = ["update"] }
path "secret/destroy/production/tenants/*" { capabilities = ["update"] }
`),
  ...policyOf('path "secret/metadata/production/tenants/*" { capabilities = ["create", "update"] }'),
];

/** What goes wrong with one request. */
export type VaultFault =
  /** It is carried out, and the connection breaks before the answer. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'never-answer' }
  | { readonly kind: 'half-answer' }
  /** The answer is this one, and nothing is done. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    }
  /** What is true, changed. */
  | { readonly kind: 'lie'; readonly change: (body: string) => string };

export interface FakeVaultOptions {
  readonly role: FakeRole;
  readonly namespace?: string;
  readonly roleId?: string;
  readonly secretId?: string;
  /** What the pod's token has to be. */
  readonly podToken?: () => string;
  readonly now?: () => number;
  /** PEM; absent: in the clear. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string;
  readonly namespace: string;
}

interface Trap {
  readonly when: (method: string, path: string) => boolean;
  readonly fault: VaultFault;
  left: number;
}

/** Vault's HTTP API over loopback, with its policies, tokens and errors, and with faults on demand. Not Vault. */
export class FakeVault {
  readonly #options: FakeVaultOptions;
  readonly #server: Server;
  readonly #traps: Trap[] = [];
  readonly tokens: FakeTokens;
  readonly kv: FakeKeyValue;
  /** Method and path of what was asked, oldest first. */
  readonly asked: string[] = [];
  sealed = false;

  private constructor(options: FakeVaultOptions) {
    this.#options = options;
    const now = options.now ?? (() => Date.now());
    this.tokens = new FakeTokens(now);
    this.kv = new FakeKeyValue(now);
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = options.tls === undefined ? createServer(serve) : createSecureServer(options.tls, serve);
  }

  static async start(options: FakeVaultOptions): Promise<FakeVault> {
    const vault = new FakeVault(options);
    await new Promise<void>((resolve) => vault.#server.listen(0, '127.0.0.1', resolve));
    return vault;
  }

  get address(): string {
    return `http${this.#options.tls === undefined ? '' : 's'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests that match meet the fault. */
  trap(when: Trap['when'], fault: VaultFault, times = 1): void {
    this.#traps.push({ when, fault, left: times });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await askedIn(request);
    if (asked === undefined) return void response.writeHead(400).end('{"errors":["bad request"]}');
    const { method, path } = asked;
    this.asked.push(`${method} ${path}`);
    const trap = this.#traps.find(({ when, left }) => left > 0 && when(method, path));
    if (trap !== undefined) trap.left -= 1;
    const { fault } = trap ?? {};
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'never-answer') return;
    if (fault?.kind === 'answer') return void response.writeHead(fault.status, fault.headers).end(fault.body);
    const { status, body } = this.#answer(asked);
    if (fault?.kind === 'lose-answer') return void request.socket.destroy();
    const text = body === undefined ? '' : JSON.stringify(body);
    if (fault?.kind === 'half-answer') {
      response.writeHead(status, { 'content-length': String(Buffer.byteLength(text)) });
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      return;
    }
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(fault?.kind === 'lie' ? fault.change(text) : text);
  }

  #answer(asked: Asked): Reply {
    const { method, path, token } = asked;
    if (path === 'sys/health') return { status: this.sealed ? 503 : 200, body: { sealed: this.sealed } };
    if (this.sealed) return error(503, 'Vault is sealed');
    if (asked.namespace !== (this.#options.namespace ?? '')) return error(404, 'no handler for route');
    if (/^auth\/(approle|kubernetes)\/login$/.test(path)) return this.#logIn(path, asked.body);
    const policies = this.tokens.policiesOf(token);
    if (policies === undefined) return error(403, 'permission denied');
    if (path === 'auth/token/lookup-self') return this.tokens.lookUp(token);
    if (path === 'auth/token/renew-self') return this.tokens.renew(token);
    const [, kind = '', key = ''] = /^secret\/([a-z]+)\/(.+)$/.exec(path) ?? [];
    const capability = this.#capabilityFor(method, kind, key, asked.query);
    if (capability === undefined) return error(405, 'unsupported operation');
    if (!grants(policies, path, capability))
      return error(403, '1 error occurred:\n\t* permission denied\n\n');
    return this.#perform(asked, kind, key);
  }

  #capabilityFor(method: string, kind: string, key: string, query: URLSearchParams): string | undefined {
    if (!['data', 'metadata', 'delete', 'undelete', 'destroy'].includes(kind)) return undefined;
    if (method === 'GET') return query.get('list') === 'true' ? 'list' : 'read';
    if (method === 'DELETE') return 'delete';
    if (method !== 'POST' && method !== 'PUT') return undefined;
    return kind.startsWith('de') || kind === 'undelete' || this.kv.has(key) ? 'update' : 'create';
  }

  #perform({ method, query, body }: Asked, kind: string, key: string): Reply {
    const { kv } = this;
    if (kind === 'delete' || kind === 'undelete' || kind === 'destroy')
      return kv.change(kind, key, Array.isArray(body.versions) ? body.versions.map(Number) : []);
    if (kind === 'metadata') {
      if (method === 'DELETE') return kv.remove(key);
      if (method === 'POST') return kv.setMetadata(key, body);
      return query.get('list') === 'true' ? kv.list(key) : kv.metadata(key);
    }
    if (method === 'DELETE') return kv.deleteCurrent(key);
    return method === 'GET' ? kv.read(key, Number(query.get('version') ?? 0)) : kv.write(key, body);
  }

  #logIn(path: string, body: Asked['body']): Reply {
    const { role, roleId, secretId, podToken } = this.#options;
    if (path.includes('approle'))
      return body.role_id === roleId && body.secret_id === secretId
        ? this.tokens.logIn(role)
        : error(400, 'invalid role or secret ID');
    return body.role === 'valuecanvas-production' && body.jwt === podToken?.()
      ? this.tokens.logIn(role)
      : error(403, 'permission denied');
  }
}

async function askedIn(request: IncomingMessage): Promise<Asked | undefined> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  const url = new URL(request.url ?? '/', 'http://vault');
  const path = decodeURIComponent(url.pathname).replace(/^\/v1\//, '');
  // As Vault does, whatever stands before it.
  if (path.includes('..')) return undefined;
  return {
    method: request.method ?? '',
    path,
    query: url.searchParams,
    body: text === '' ? {} : JSON.parse(text),
    token: String(request.headers['x-vault-token'] ?? ''),
    namespace: String(request.headers['x-vault-namespace'] ?? ''),
  };
}
