import { UpstreamError } from '../errors.ts';
import type { IdKey } from '../message.ts';
import type { TokenExchanger } from './token-exchanger.ts';

/** What the fabric shows to an upstream for one caller. */
export interface Credentials {
  /** Whether the token is the caller's own, so that the upstream's refusal concerns the caller. */
  readonly passed: boolean;
  /** Value of the Authorization header; undefined for none. Rejects by name where there should be one. */
  authorization(key: IdKey | undefined): Promise<string | undefined>;
  /** The upstream refused it. */
  refused(key: IdKey | undefined): void;
}

export const NO_CREDENTIALS: Credentials = {
  passed: false,
  authorization: async () => undefined,
  refused() {},
};

/** The bearer token that the caller sent for the upstream with a request, or with the last one. */
export type CallersToken = (key: IdKey | undefined) => string | undefined;

export function passedOn(token: CallersToken): Credentials {
  return { passed: true, authorization: async (key) => token(key), refused() {} };
}

export function exchanged(exchanger: TokenExchanger, callerKey: string, token: CallersToken): Credentials {
  const subject = (key: IdKey | undefined) => /^bearer +(\S+)$/i.exec(token(key) ?? '')?.[1];
  return {
    passed: false,
    async authorization(key) {
      const own = subject(key);
      if (own === undefined) {
        const text =
          'expected the bearer token of the caller for this upstream, got none; send it as Authorization';
        throw new UpstreamError('TOKEN_MISSING', text);
      }
      return `Bearer ${await exchanger.tokenFor(callerKey, own)}`;
    },
    refused(key) {
      const own = subject(key);
      if (own !== undefined) exchanger.forget(callerKey, own);
    },
  };
}
