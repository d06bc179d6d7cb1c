import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  field,
  type JsonObject,
  type JsonValue,
  parseJsonBytes,
  stringifyJson,
} from '@provability-fabric/kernel';
import { certificateIdFor } from '../certificate-id.ts';

export interface Came {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonValue;
}

/** Answers one request, or leaves it to the next one by returning false. */
export type Behaviour = (
  came: Came,
  response: ServerResponse,
) => boolean | undefined | Promise<boolean | undefined>;

/** A token of the right form, which nobody signed: the tenant is `acme`. */
export const TOKEN = `e30.${btoa('{"tenant":"acme"}').replaceAll('=', '')}.c2ln`;

const SESSION = 'desk-17';

/**
 * Stands in for a fabric that lies, stalls or breaks, which the real one cannot be made to. Where no
 * behaviour is set it allows every tool but `refused`, holds `held`, and records outcomes.
 */
export class FakeFabric {
  readonly came: Came[] = [];
  readonly outcomes: JsonObject[] = [];
  /** Used up one by one. */
  readonly behaviours: Behaviour[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const body = bytes.length === 0 ? null : parseJsonBytes(bytes);
        const { method = '', url: path = '', headers } = request;
        void this.#answer({ method, path, headers, body }, response);
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  of(path: string): readonly Came[] {
    return this.came.filter((one) => one.path === path);
  }

  async #answer(came: Came, response: ServerResponse): Promise<void> {
    this.came.push(came);
    const behaviour = this.behaviours.shift();
    if (behaviour !== undefined && (await behaviour(came, response)) !== false) return;
    if (came.path === '/v1/authorize') json(response, 200, await decisionFor(came.body));
    else if (came.path === '/v1/outcome') {
      this.outcomes.push(came.body as JsonObject);
      json(response, 200, {});
    } else problem(response, 404, 'NOT_FOUND', 'expected a known path');
  }
}

export async function decisionFor(body: JsonValue): Promise<JsonObject> {
  const requestId = String(field(body, 'request_id'));
  const session = String(field(body, 'session') ?? SESSION);
  const tool = field(field(body, 'action'), 'tool');
  const decided = { session, certificate_id: await certificateIdFor('acme', session, requestId) };
  const refusal = { code: 'LABEL_FLOW', clause: 'no-exfiltration' };
  if (tool === 'refused') return { effect: 'block', verdict: 'reject', ...decided, refusal };
  if (tool === 'held')
    return { effect: 'hold', verdict: 'hold', ...decided, refusal: { ...refusal, ticket: 'T-1' } };
  return { effect: 'allow', verdict: 'accept', ...decided };
}

export function json(response: ServerResponse, status: number, body: JsonValue, headers = {}): true {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(stringifyJson(body));
  return true;
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers = {},
): true {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(stringifyJson({ type: 'about:blank', status, code, detail }));
  return true;
}

export const cutOff: Behaviour = (_came, response) => {
  response.socket?.destroy();
  return true;
};

export const silence: Behaviour = () => true;
