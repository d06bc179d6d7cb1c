import type { Socket } from 'node:net';
import { stringifyJson } from '@provability-fabric/kernel';
import { RequestError } from './errors.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import { type Problem, problemOf } from './problem.ts';

/** After its last answer a client has this long to close its side. */
const LINGER_MS = 1000;

/**
 * What cannot be parsed as HTTP, or does not come in time, never reaches the framework. It is answered here
 * without getting in the way of answers that earlier requests on the same connection still wait for.
 */
export class ClientErrors {
  readonly #exchanges: Exchanges;
  readonly #unheard: (problem: Problem) => void;
  readonly #doomed = new WeakSet<Socket>();

  /** `unheard` is told of refusals that belong to no request. */
  constructor(exchanges: Exchanges, unheard: (problem: Problem) => void) {
    this.#exchanges = exchanges;
    this.#unheard = unheard;
  }

  handle(error: NodeJS.ErrnoException, socket: Socket): void {
    const open = this.#exchanges.on(socket);
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (this.#doomed.has(socket)) return;
    this.#doomed.add(socket);
    const reason = reasonOf(error);
    const last = open.at(-1);
    if (last === undefined) this.#refuse(socket, reason);
    else if (!last.request.complete) answerIn(last, reason);
    else {
      // The garbage came after a whole request: that one is served first.
      socket.pause();
      last.response.once('close', () => this.#refuse(socket, reason));
    }
  }

  #refuse(socket: Socket, reason: RequestError): void {
    if (!socket.writable) return;
    const problem = problemOf(reason, 'none');
    this.#unheard(problem);
    const body = stringifyJson(problem.document);
    const head = Object.entries(headersOf(problem, body)).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${problem.status} ${problem.document.title}\r\n${head.join('')}\r\n${body}`);
    socket.setTimeout(LINGER_MS, () => socket.destroy());
  }
}

/** Through the request's own answer, so that it takes its turn behind those before it. */
function answerIn(exchange: Exchange, reason: RequestError): void {
  const { response } = exchange;
  if (response.headersSent) {
    exchange.request.destroy();
    return;
  }
  const problem = problemOf(reason, exchange.id);
  exchange.failure = { code: problem.code, error: reason };
  const body = stringifyJson(problem.document);
  response.writeHead(problem.status, headersOf(problem, body)).end(body);
}

function headersOf(problem: Problem, body: string): Record<string, string> {
  return {
    ...problem.headers,
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': `${Buffer.byteLength(body)}`,
  };
}

function reasonOf(error: NodeJS.ErrnoException): RequestError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestError('REQUEST_TIMEOUT', 'expected the whole request sooner');
    case 'HPE_HEADER_OVERFLOW':
      return new RequestError('HEADERS_TOO_LARGE', 'expected shorter request headers');
    default:
      return new RequestError('REQUEST_MALFORMED', 'expected HTTP/1.1, came something else');
  }
}
