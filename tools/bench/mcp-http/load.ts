import { setTimeout as delay } from 'node:timers/promises';
import { Session } from './session.ts';

export interface Load {
  readonly connections: number;
  /** Calls a second, all connections together: offered whether or not earlier ones are answered. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Target {
  /** So many calls a connection, one after the other: until then the code is not yet compiled. */
  warmUp(calls: number): Promise<void>;
  /** Latencies in ms, each from when the call was due, not from when it could be sent. */
  run(load: Load): Promise<number[]>;
  close(): Promise<void>;
}

/** One session per connection; `token` makes each one's own. */
export async function connect(
  url: string,
  connections: number,
  token?: (session: string) => Promise<string>,
): Promise<Target> {
  const sessions: Session[] = [];
  for (let n = 0; n < connections; n++) sessions.push(new Session(url, await token?.(`bench-${n}`)));
  for (const session of sessions) await session.begin();
  return {
    warmUp: async (calls) => {
      await Promise.all(
        sessions.map(async (session) => {
          for (let n = 0; n < calls; n++) await session.call();
        }),
      );
    },
    run: (load) => run(sessions, load),
    async close() {
      for (const session of sessions) session.close();
    },
  };
}

async function run(sessions: readonly Session[], { rate, seconds }: Load): Promise<number[]> {
  const latencies: number[] = [];
  const gap = 1000 / rate;
  const count = rate * seconds;
  const begun = performance.now();
  const underWay: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    const due = begun + n * gap;
    const wait = due - performance.now();
    // A timer is only good to a millisecond, for both sides alike; spinning would take a core from what is measured.
    if (wait > 0) await delay(wait);
    const session = sessions[n % sessions.length] as Session;
    underWay.push(session.call().then(() => void latencies.push(performance.now() - due)));
  }
  await Promise.all(underWay);
  return latencies;
}
