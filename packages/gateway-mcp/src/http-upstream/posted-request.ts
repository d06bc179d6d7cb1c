import { UpstreamError } from '../errors.ts';
import type { Loss, Sent } from '../link.ts';
import { type IdKey, readMessage } from '../message.ts';
import { oneLine } from '../one-line.ts';
import { type Resumption, readEvents } from './event-reader.ts';
import { connectionProblem, discard, type HttpResponse, POST_HEADERS, readBody } from './http-connection.ts';
import type { HttpUpstream } from './http-upstream.ts';
import { resumed } from './resumed.ts';

/** A server ends the stream after its answer: one that does not is cut off. */
const AFTER_ANSWER_MS = 1_000;
const MAX_ERROR_BYTES = 64 * 1024;
const DEFAULT_RETRY_MS = 1_000;

export interface PostedRequestEvents {
  finished(): void;
  answered(line: Buffer): void;
}

/** One request to the server, until its response is here or certainly will not come. */
export class PostedRequest {
  private readonly aborting = new AbortController();
  private readonly resumption: Resumption = { lastEventId: undefined, retryMs: DEFAULT_RETRY_MS };
  private readonly key: IdKey;
  private isAnswered = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly upstream: HttpUpstream,
    private readonly request: Extract<Sent, { kind: 'request' }>,
    private readonly body: Buffer,
    private readonly events: PostedRequestEvents,
  ) {
    this.key = request.key;
  }

  abortIn(milliseconds: number): void {
    this.timer ??= setTimeout(() => this.aborting.abort(), milliseconds);
  }

  async run(): Promise<void> {
    const { stopSignal } = this.upstream;
    const stop = () => this.aborting.abort();
    stopSignal.addEventListener('abort', stop, { once: true });
    try {
      const loss = await this.exchange();
      if (!this.isAnswered && loss !== undefined) this.upstream.lose({ key: this.key, ...loss });
    } finally {
      stopSignal.removeEventListener('abort', stop);
      clearTimeout(this.timer);
      this.events.finished();
    }
  }

  private async exchange(): Promise<Omit<Loss, 'key'> | undefined> {
    let response: HttpResponse;
    try {
      response = await this.upstream.options.connection.request({
        method: 'POST',
        headers: await this.upstream.headers(this.key, POST_HEADERS),
        body: this.body,
        signal: this.aborting.signal,
      });
    } catch (error) {
      return lossOf(error);
    }
    if (this.request.method === 'initialize' && response.status === 200) this.upstream.begin(response);
    if (response.status !== 200) return this.refused(response);
    try {
      return await this.read(response);
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError)
        return malformed('a response too large or no UTF-8');
      return closed(`the connection broke (${connectionProblem(error).code})`);
    }
  }

  private async read(response: HttpResponse): Promise<Omit<Loss, 'key'> | undefined> {
    const { maxMessageBytes } = this.upstream.options;
    const type = mediaType(response);
    if (type === 'application/json') {
      const body = await readBody(response.body, maxMessageBytes);
      if (body === undefined) return malformed(`more than ${maxMessageBytes} bytes`);
      await this.deliver(oneLine(body));
      return malformed('a body that is no response to the request');
    }
    if (type !== 'text/event-stream') {
      void discard(response.body);
      return malformed('neither JSON nor an event stream');
    }
    await readEvents(response.body, maxMessageBytes, this.resumption, (line) => this.deliver(line)).catch(
      (error: unknown) => {
        // Broken off: if it can be taken up again, nothing is lost yet.
        if (this.resumption.lastEventId === undefined || this.isAnswered || this.aborting.signal.aborted)
          throw error;
      },
    );
    if (this.isAnswered) return undefined;
    return resumed(
      this.upstream,
      this.key,
      this.resumption,
      this.aborting.signal,
      (line) => this.deliver(line),
      () => this.isAnswered,
    ).then(() => closed('the server ended the stream without a response'));
  }

  private async deliver(line: Buffer): Promise<void> {
    await this.upstream.deliver(line, this.key, () => {
      this.isAnswered = true;
      this.events.answered(line);
      this.abortIn(AFTER_ANSWER_MS);
    });
  }

  private async refused(response: HttpResponse): Promise<Omit<Loss, 'key'> | undefined> {
    const { status } = response;
    const { credentials, events } = this.upstream.options;
    events.emit('mcp.upstream-status', { status });
    if (status === 401 || status === 403) {
      void discard(response.body);
      credentials.refused(this.key);
      const challenge = response.headers['www-authenticate'];
      const wwwAuthenticate =
        typeof challenge === 'string' && HEADER_VALUE.test(challenge) ? challenge : undefined;
      return {
        happened: 'no',
        code: 'UPSTREAM_DENIED',
        why: `the server answered ${status}`,
        denied: { status, passed: credentials.passed, wwwAuthenticate },
      };
    }
    if (status === 404 && this.upstream.hasSession) {
      void discard(response.body);
      // First this one, by name: what ends the session answers the others.
      this.upstream.lose({
        key: this.key,
        happened: 'no',
        code: 'UPSTREAM_CLOSED',
        why: 'the server has forgotten the session',
      });
      this.upstream.forget();
      return undefined;
    }
    if (status >= 400 && mediaType(response) === 'application/json') {
      const body = await readBody(response.body, MAX_ERROR_BYTES).catch(() => undefined);
      const line = body === undefined ? undefined : oneLine(body);
      const message = line === undefined ? undefined : readMessage(line);
      // Some servers give a JSON-RPC error with a status of its own.
      if (
        line !== undefined &&
        message?.kind === 'response' &&
        message.key === this.key &&
        !message.body.ok
      ) {
        await this.deliver(line);
        return undefined;
      }
    } else void discard(response.body);
    const why = status >= 300 && status < 400 ? 'a redirect, which is not followed' : `status ${status}`;
    // Of its own faults a server cannot say what it did before.
    return {
      happened: status >= 500 ? 'unknown' : 'no',
      code: 'UPSTREAM_REFUSED',
      why: `the server answered with ${why}`,
    };
  }
}

const HEADER_VALUE = /^[\t\x20-\x7e]{1,4096}$/;

function mediaType({ headers }: HttpResponse): string | undefined {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return undefined; // none was asked for
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

function lossOf(error: unknown): Omit<Loss, 'key'> {
  if (error instanceof UpstreamError) {
    const denied = { status: 401, passed: false, wwwAuthenticate: undefined } as const;
    return { happened: 'no', code: 'UPSTREAM_DENIED', why: error.message, denied };
  }
  const { sent, code } = connectionProblem(error);
  if (sent) return closed(`the connection broke (${code})`);
  return { happened: 'no', code: 'UPSTREAM_UNREACHABLE', why: `the server cannot be reached (${code})` };
}

function closed(why: string): Omit<Loss, 'key'> {
  return { happened: 'unknown', code: 'UPSTREAM_CLOSED', why };
}

function malformed(what: string): Omit<Loss, 'key'> {
  return { happened: 'unknown', code: 'UPSTREAM_MALFORMED', why: `the server answered with ${what}` };
}
