import { constants } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { refuseConnection } from './client-errors.ts';
import { GatewayError, RequestError } from './errors.ts';
import { type Problem, problemOf } from './problem.ts';

/** PEM throughout. */
export interface TlsOptions {
  /** The certificate and its chain, leaf first. */
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Whose certificates clients may show, and whether they must. */
  readonly clients?: { readonly authority: Uint8Array; readonly certificate: 'required' | 'optional' };
}

/** The first byte of a TLS handshake (RFC 8446 section 5.1). */
const HANDSHAKE = 22;

/** TLS 1.2 and up, and no renegotiation: a client could have the server do costly handshakes without end. */
const FIXED = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;

/** Throws TLS_INVALID where certificate and key do not fit; what OpenSSL says of them holds no secret. */
export function contextOf({ certificate, key, clients }: TlsOptions): SecureContextOptions {
  const context = {
    ...FIXED,
    cert: Buffer.from(certificate),
    key: Buffer.from(key),
    ...(clients === undefined ? {} : { ca: Buffer.from(clients.authority) }),
  };
  try {
    createSecureContext(context);
    return context;
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
    const mend = 'expected PEM files of one certificate chain and its private key';
    throw new GatewayError('TLS_INVALID', `the TLS certificate cannot be used (${code}): ${mend}`, { cause });
  }
}

export function createTlsServer(
  tls: TlsOptions,
  http: { readonly maxHeaderSize: number; readonly headersTimeout: number; readonly requestTimeout: number },
): Server {
  const server = createServer({
    ...http,
    ...contextOf(tls),
    handshakeTimeout: http.headersTimeout,
    requestCert: tls.clients !== undefined,
    rejectUnauthorized: tls.clients?.certificate === 'required',
  });
  if (tls.clients?.certificate === 'optional') {
    // No certificate is fine; one that nobody vouches for is not the same as none.
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      if (!socket.authorized && socket.getPeerCertificate().fingerprint256 !== undefined) socket.destroy();
    });
  }
  return server;
}

/**
 * Connections whose handshake is not begun. The first byte tells TLS from plain HTTP, which is told so in the
 * clear: a client that was given the wrong scheme would otherwise see a reset and nothing else.
 */
export class TlsDoor {
  /** Until they close: the HTTP server knows only those whose handshake is over. */
  readonly #open = new Set<Socket>();
  readonly #timeoutMs: number;
  readonly #refused: (problem: Problem) => void;

  constructor(server: Server, timeoutMs: number, refused: (problem: Problem) => void) {
    this.#timeoutMs = timeoutMs;
    this.#refused = refused;
    const handshakes = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) =>
      this.#watch(socket, () => {
        for (const begin of handshakes) begin.call(server, socket);
      }),
    );
  }

  /** Ends what the HTTP server does not know of. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #watch(socket: Socket, begin: () => void): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    const timer = setTimeout(() => socket.destroy(), this.#timeoutMs);
    const leave = () => {
      clearTimeout(timer);
      socket.off('readable', look);
      socket.off('error', ignore);
    };
    const look = () => {
      const first: Buffer | null = socket.read(1);
      if (first === null) return;
      leave();
      if (first[0] === HANDSHAKE) {
        socket.unshift(first);
        begin();
      } else this.#refuse(socket);
    };
    socket.on('readable', look);
    socket.on('error', ignore);
    socket.once('close', leave);
  }

  #refuse(socket: Socket): void {
    const mend = 'ask with `https://`, and see which certificate the operator gave out';
    const problem = problemOf(
      new RequestError('TLS_REQUIRED', `expected TLS, came plain HTTP; ${mend}`),
      'none',
    );
    this.#refused(problem);
    socket.on('error', ignore);
    socket.resume();
    refuseConnection(socket, problem);
  }
}

function ignore(): void {
  // A connection that breaks before it has said anything is its own affair.
}
