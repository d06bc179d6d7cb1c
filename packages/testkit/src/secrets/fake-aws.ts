import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeAwsError, FakeAwsSecrets } from './fake-aws-secrets.ts';

/** What goes wrong with one request. */
export type AwsFault =
  /** It is carried out, and the connection breaks before the answer. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'never-answer' }
  | { readonly kind: 'error'; readonly type: string; readonly status: number; readonly message?: string }
  /** What is true, changed. */
  | { readonly kind: 'lie'; readonly change: (body: string) => string };

interface Trap {
  readonly when: (action: string, input: Readonly<Record<string, unknown>>) => boolean;
  readonly fault: AwsFault;
  left: number;
}

/** The JSON protocol of AWS Secrets Manager over loopback, with faults on demand. Not AWS. */
export class FakeAws {
  readonly #server: Server;
  readonly #traps: Trap[] = [];
  readonly secrets: FakeAwsSecrets;
  /** Actions, oldest first. */
  readonly asked: string[] = [];

  private constructor(options: { readonly now?: () => number; readonly pageSize?: number }) {
    this.secrets = new FakeAwsSecrets(options.now ?? (() => Date.now()), options.pageSize ?? 7);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(
    options: { readonly now?: () => number; readonly pageSize?: number } = {},
  ): Promise<FakeAws> {
    const aws = new FakeAws(options);
    await new Promise<void>((resolve) => aws.#server.listen(0, '127.0.0.1', resolve));
    return aws;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests that match meet the fault. */
  trap(when: Trap['when'], fault: AwsFault, times = 1): void {
    this.#traps.push({ when, fault, left: times });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const action = String(request.headers['x-amz-target'] ?? '').replace('secretsmanager.', '');
    const input: Readonly<Record<string, unknown>> = JSON.parse(Buffer.concat(parts).toString('utf8'));
    this.asked.push(action);
    const trap = this.#traps.find(({ when, left }) => left > 0 && when(action, input));
    if (trap !== undefined) trap.left -= 1;
    const { fault } = trap ?? {};
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'never-answer') return;
    const { status, body } =
      fault?.kind === 'error'
        ? { status: fault.status, body: { __type: fault.type, Message: fault.message ?? fault.type } }
        : this.#answer(action, request, input);
    if (fault?.kind === 'lose-answer') return void request.socket.destroy();
    const text = JSON.stringify(body);
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      .end(fault?.kind === 'lie' ? fault.change(text) : text);
  }

  #answer(action: string, request: IncomingMessage, input: Readonly<Record<string, unknown>>) {
    if (!String(request.headers.authorization).startsWith('AWS4-HMAC-SHA256 '))
      return { status: 400, body: { __type: 'MissingAuthenticationTokenException' } };
    try {
      return { status: 200, body: this.secrets.perform(action, input) };
    } catch (error) {
      if (!(error instanceof FakeAwsError)) throw error;
      return { status: 400, body: { __type: error.type, Message: error.message } };
    }
  }
}
