/** What an operator's log gets. No address, no name of a secret. */
export type RedisEvent =
  | { readonly event: 'redis.connected' }
  | { readonly event: 'redis.lost' }
  /** Limits are counted in process alone, because Redis did not answer in time or at all. */
  | { readonly event: 'redis.limits-in-process' }
  | { readonly event: 'redis.limits-shared' }
  /** Messages on the channel that no replica sends; since the last report. */
  | { readonly event: 'redis.messages-refused'; readonly count: number };
