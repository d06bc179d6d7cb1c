// One connection of its own for all channels: LISTEN holds for a connection, and pooled ones come and go.
import type { Client, Notification } from 'pg';
import { asLedgerError } from './postgres-error.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** A connection that hangs says nothing, so it is asked. */
const PING_EVERY_MS = 5_000;
const PING_TIMEOUT_MS = 5_000;

type Heard = (payload: string) => void;

export interface Listener {
  listen(channel: string, heard: Heard): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export function createListener(newClient: () => Client): Listener {
  const channels = new Map<string, Set<Heard>>();
  let client: Client | undefined;
  let connecting: Promise<Client> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failures = 0;
  let closed = false;

  function connected(): Promise<Client> {
    if (client !== undefined) return Promise.resolve(client);
    connecting ??= connect().finally(() => {
      connecting = undefined;
    });
    return connecting;
  }

  async function connect(): Promise<Client> {
    const fresh = newClient();
    let ping: NodeJS.Timeout | undefined;
    const lost = () => {
      clearInterval(ping);
      if (client !== fresh) return;
      client = undefined;
      again();
    };
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ channel, payload = '' }: Notification) => {
      for (const heard of channels.get(channel) ?? []) heard(payload);
    });
    try {
      await fresh.connect();
      for (const channel of channels.keys()) await fresh.query(`listen ${quoted(channel)}`);
    } catch (error) {
      fresh.end().catch(() => undefined);
      throw error;
    }
    if (closed) {
      await fresh.end().catch(() => undefined);
      throw new Error('connection closed');
    }
    client = fresh;
    failures = 0;
    ping = setInterval(() => {
      const question = { text: 'select 1', query_timeout: PING_TIMEOUT_MS };
      fresh.query(question).catch(() => {
        fresh.end().catch(() => undefined);
        lost();
      });
    }, PING_EVERY_MS).unref();
    return fresh;
  }

  function again(): void {
    if (closed || retry !== undefined || channels.size === 0) return;
    const wait = Math.min(FIRST_RETRY_MS * 2 ** failures++, LAST_RETRY_MS);
    retry = setTimeout(() => {
      retry = undefined;
      connected().then(
        () => {
          for (const all of channels.values()) for (const heard of all) heard('');
        },
        () => again(),
      );
    }, wait).unref();
  }

  return {
    async listen(channel, heard) {
      const present = channels.get(channel);
      const all = present ?? new Set();
      channels.set(channel, all.add(heard));
      try {
        const on = await connected();
        if (present === undefined) await on.query(`listen ${quoted(channel)}`);
      } catch (error) {
        all.delete(heard);
        if (all.size === 0) channels.delete(channel);
        throw asLedgerError(error);
      }
      return async () => {
        all.delete(heard);
        if (all.size > 0) return;
        channels.delete(channel);
        await client?.query(`unlisten ${quoted(channel)}`).catch(() => undefined);
      };
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      const last = client;
      client = undefined;
      await last?.end().catch(() => undefined);
    },
  };
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`;
}
