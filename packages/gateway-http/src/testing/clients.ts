import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { field, type JsonValue, parseJson } from '@provability-fabric/kernel';

export interface Came {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: JsonValue;
  /** Of a problem document. */
  readonly code: JsonValue | undefined;
}

export interface Ask {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array;
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, { method, token, headers, body }: Ask = {}): Promise<Came> {
  return new Promise((resolve, reject) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request({
      port,
      path,
      agent: false,
      host: '127.0.0.1',
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...authorization, ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json =
          /json/.test(response.headers['content-type'] ?? '') && text !== '' ? parseJson(text) : null;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json,
          code: field(json, 'code'),
        });
      });
    });
    sent.end(body);
  });
}

/** A socket whose received text can be waited for; hostile clients write what no library would. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;
  #changed: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#changed();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Until the text has come, or fails when the connection closes first. */
  async saw(text: string): Promise<void> {
    await this.#until(() => this.received.includes(text) || this.closed);
    if (!this.received.includes(text))
      throw new Error(`expected to receive \`${text}\`, came \`${this.received}\``);
  }

  async ended(): Promise<void> {
    await this.#until(() => this.closed);
  }

  get statuses(): readonly number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** The bytes of a request as a well-behaved client would write them. */
export function rawPost(path: string, token: string, body: string): string {
  const head = [`POST ${path} HTTP/1.1`, 'host: localhost', `authorization: Bearer ${token}`];
  return `${[...head, `content-length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`;
}

export function callBody(tool: string, requestId = 'r1', args = '{}'): string {
  return `{"request_id":"${requestId}","action":{"kind":"call","tool":"${tool}","args":${args}}}`;
}
