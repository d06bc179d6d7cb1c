import type { LineEvent } from './line-reader.ts';
import type { IdKey } from './message.ts';
import type { OutletEvents } from './outlet.ts';
import type { RelayCode } from './refusal.ts';

/** Where messages come from, pulled one at a time: whoever sends is held back while nobody pulls. */
export interface MessageSource {
  /** The next message; undefined after the end. One caller at a time. */
  next(): Promise<LineEvent | undefined>;
  /** Ends the reading: a pending `next` and all later ones give undefined. */
  stop(): void;
  /** What was cut off at the end. */
  readonly unfinishedBytes: number;
}

/** What a message to the client is about: a client of streamable HTTP listens on several streams at once. */
export type About =
  | {
      readonly kind: 'answer';
      /** The request that it answers; undefined where that could not be read. */
      readonly key: IdKey | undefined;
      /** The upstream let nobody in: the client's HTTP request ends with this. */
      readonly denied?: UpstreamDenial | undefined;
    }
  | {
      /** A request or notification of the server. */
      readonly kind: 'notice';
      /** The request of the client that it belongs to, where that is known. */
      readonly related: IdKey | undefined;
      readonly fromServer: 'request' | 'notification';
    };

export interface UpstreamDenial {
  readonly status: 401 | 403;
  /** Relayed only where the token was the caller's own. */
  readonly passed: boolean;
  readonly wwwAuthenticate: string | undefined;
}

/** The only way to the client: whole messages, in order. */
export interface ClientOutlet {
  /** Never waits. Callers bound what they write by `ready` or `bufferedBytes`. */
  write(line: Uint8Array | string, about: About): void;
  /** Resolves when the client takes more, or never will. */
  ready(): Promise<void>;
  stopWaiting(): void;
  readonly isOpen: boolean;
  readonly bufferedBytes: number;
  flushed(): Promise<void>;
}

/** A client behind a transport of its own. */
export interface ClientLink {
  readonly source: MessageSource;
  open(events: OutletEvents): ClientOutlet;
}

/** What goes to the upstream: an HTTP transport treats the three apart. */
export type Sent =
  | { readonly kind: 'request'; readonly key: IdKey; readonly method: string }
  | { readonly kind: 'notification' }
  | { readonly kind: 'response' };

/** The only way to the upstream. */
export interface UpstreamOutlet {
  write(line: Uint8Array | string, sent: Sent): void;
  ready(): Promise<void>;
  readonly isOpen: boolean;
  end(): void;
}

/** A request to which the upstream will not respond. */
export interface Loss {
  readonly key: IdKey;
  /** `no`: the upstream certainly did not act on it. */
  readonly happened: 'no' | 'unknown';
  readonly code: RelayCode;
  readonly why: string;
  readonly denied?: UpstreamDenial;
}

/** An upstream behind a transport of its own. */
export interface UpstreamLink {
  readonly source: MessageSource;
  readonly outlet: UpstreamOutlet;
  onLoss(listener: (loss: Loss) => void): void;
  /** The client has been answered without it: its response is only waited for a while longer. */
  abandon(key: IdKey): void;
}
