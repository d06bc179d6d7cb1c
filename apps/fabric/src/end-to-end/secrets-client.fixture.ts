// Test code only: a client of the secrets service that sends a path as it is told, and says when an access was answered.
import { Agent, request } from 'node:http';
import { eventually } from './fabric-services.fixture.ts';
import { token } from './http-client.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

export interface SecretsAnswer {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
  readonly link: string;
}

export interface AccessRow {
  readonly id: string;
  readonly principal: string;
  readonly action: string;
  readonly secret: string;
  readonly version: number | null;
  readonly result: string;
  readonly error_code: string | null;
  readonly statement_digest: string | null;
  readonly details: Json;
}

export interface Whose {
  readonly principal?: string;
  readonly tenant?: string;
  readonly role?: string;
}

const kept = new Agent({ keepAlive: true });

export class SecretsClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, bearer: string) {
    this.#url = url;
    this.#token = bearer;
  }

  /** With a token of the data folder's own issuer. */
  static async of(
    url: string,
    data: string,
    { principal = 'ann', tenant = 'acme', role = 'secrets-admin' }: Whose = {},
  ): Promise<SecretsClient> {
    const claims = { sub: principal, aud: 'secrets', tenant, org: tenant, roles: [role] } as const;
    return new SecretsClient(url, await token(data, claims));
  }

  /** Rejects where no whole answer came. With `false` it has a connection of its own, which may be cut. */
  ask(method: string, path: string, body?: Json, agent: Agent | false = kept): Promise<SecretsAnswer> {
    const { hostname, port } = new URL(this.#url);
    const headers = { authorization: `Bearer ${this.#token}` };
    return new Promise((resolve, reject) => {
      const asking = request({ agent, hostname, port, path, method, headers }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk;
          })
          .on('error', reject)
          .on('end', () => {
            const { statusCode = 0, headers: answered } = response;
            const link = `${answered.link ?? ''}`;
            resolve({ status: statusCode, body: text === '' ? {} : JSON.parse(text), text, link });
          });
      });
      asking.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  write(name: string, value: string, more: Json = {}): Promise<SecretsAnswer> {
    return this.ask('PUT', `/api/secrets/${name}`, { value: { value }, ...more });
  }

  read(name: string, version?: string | number): Promise<SecretsAnswer> {
    return this.ask('GET', `/api/secrets/${name}${version === undefined ? '' : `?version=${version}`}`);
  }

  rotate(name: string, more: Json = {}): Promise<SecretsAnswer> {
    return this.ask('POST', '/admin/secrets/rotate', { secretKey: name, ...more });
  }

  /** All that is on record of the token's tenant, newest first, but for looking at it. */
  async accesses(query = ''): Promise<readonly AccessRow[]> {
    const rows: AccessRow[] = [];
    for (let next: string | undefined = `/admin/secrets/audit?limit=1000${query}`; next !== undefined; ) {
      const { status, body, text, link } = await this.ask('GET', next);
      if (status !== 200) throw new Error(`expected the accesses, came ${text}`);
      rows.push(...(body as unknown as AccessRow[]));
      next = /^<([^>]+)>; rel="next"$/.exec(link)?.[1];
    }
    return rows.filter(({ details }) => details.operation !== 'audit');
  }

  /** Once a rotation is beyond the point of no return, or has failed. */
  rotationEnds(id: unknown): Promise<SecretsAnswer> {
    return eventually(
      () => this.ask('GET', `/admin/secrets/rotations/${id}`),
      ({ body }) => ['grace', 'done', 'failed'].includes(`${body.phase}`),
    );
  }
}
