import type { Socket } from 'node:net';
import { stringifyJson } from '@provability-fabric/kernel';
import { RequestError } from './errors.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import { type Problem, problemOf } from './problem.ts';
import { answerRaw, problemHeaders } from './respond.ts';

/** After its last answer a client has this long to close its side. */
const LINGER_MS = 1000;

/** Told of refusals that belong to no request; null: there was no TLS to refuse it through. */
type Unheard = (problem: Problem | null) => void;

/**
 * What cannot be parsed as HTTP, or does not come in time, never reaches the framework. It is answered here
 * without getting in the way of answers that earlier requests on the same connection still wait for.
 */
export class ClientErrors {
  readonly #exchanges: Exchanges;
  readonly #unheard: Unheard;
  readonly #doomed = new WeakSet<Socket>();
  readonly #unsecured = new WeakSet<Socket>();

  constructor(exchanges: Exchanges, unheard: Unheard) {
    this.#exchanges = exchanges;
    this.#unheard = unheard;
  }

  /** The handshake failed: whatever follows, nobody could read an answer. */
  neverSecured(socket: Socket): void {
    this.#unsecured.add(socket);
  }

  handle(error: NodeJS.ErrnoException, socket: Socket): void {
    const open = this.#exchanges.on(socket);
    if (this.#unsecured.has(socket)) {
      this.#unheard(null);
      socket.destroy();
      return;
    }
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
    refuseConnection(socket, problem);
  }
}

/** Writes a problem as a connection's only answer, and closes it. */
export function refuseConnection(socket: Socket, problem: Problem): void {
  const body = stringifyJson(problem.document);
  const head = Object.entries(problemHeaders(problem, body)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.document.title}\r\n${head.join('')}\r\n${body}`);
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

/** Through the request's own answer, so that it takes its turn behind those before it. */
function answerIn(exchange: Exchange, reason: RequestError): void {
  const problem = problemOf(reason, exchange.id);
  if (!exchange.response.headersSent) exchange.failure = { code: problem.code, error: reason };
  answerRaw(exchange.request, exchange.response, problem);
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
