// Test code only: a client of the governor that gives back whatever came.
import { Agent, request } from 'node:http';
import type { Json } from './pf-process.fixture.ts';

export interface GovernorReply {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
}

/** What a signature binds, out of `GET /v1/status`. */
export interface Tree {
  readonly tree: { readonly digest: string };
  readonly policy: { readonly digest: string; readonly version: number };
}

export interface AuditLine extends Json {
  readonly index: number;
  readonly kind: string;
  readonly change_id: string;
  readonly manifest_sha256: string | null;
  readonly tree: { readonly before: string; readonly after: string } | null;
  readonly error: string | null;
}

export class GovernorClient {
  readonly url: string;
  readonly bearer: string;
  readonly #kept = new Agent({ keepAlive: true });

  constructor(url: string, bearer: string) {
    this.url = url;
    this.bearer = bearer;
  }

  /** Rejects where no whole answer came. */
  ask(method: string, path: string, body?: Json | string): Promise<GovernorReply> {
    const { hostname, port } = new URL(this.url);
    const headers = {
      authorization: `Bearer ${this.bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return new Promise((resolve, reject) => {
      const asking = request({ agent: this.#kept, hostname, port, path, method, headers }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk;
          })
          .on('error', reject)
          .on('end', () => {
            const isJson = `${response.headers['content-type']}`.includes('json');
            resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : {}, text });
          });
      });
      asking.on('error', reject);
      asking.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  async tree(): Promise<Tree> {
    return (await this.ask('GET', '/v1/status')).body as unknown as Tree;
  }

  apply(envelope: Json, more: Json = {}): Promise<GovernorReply> {
    return this.ask('POST', '/v1/apply', { signed_envelope: envelope, ...more });
  }

  /** Oldest first. */
  async audit(limit = 1000): Promise<readonly AuditLine[]> {
    const { body, text, status } = await this.ask('GET', `/v1/audit?limit=${limit}`);
    if (status !== 200) throw new Error(`expected the audit, came ${text}`);
    return (body as unknown as { records: readonly AuditLine[] }).records;
  }
}
