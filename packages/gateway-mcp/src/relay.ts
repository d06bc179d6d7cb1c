import type { Readable, Writable } from 'node:stream';
import { Changes } from './changes.ts';
import { ClientTasks } from './client-tasks.ts';
import { Deliverer } from './deliverer.ts';
import { Forwarder } from './forwarder.ts';
import { Intake } from './intake.ts';
import { LineReader } from './line-reader.ts';
import type { ClientLink, UpstreamLink } from './link.ts';
import { Outcomes } from './outcomes.ts';
import { Outlet, type OutletEvents } from './outlet.ts';
import { PendingTable } from './pending.ts';
import type { Decider, RelayEvents } from './ports.ts';
import { ServerRequests } from './server-requests.ts';
import { TaskTable } from './tasks.ts';
import { within } from './time-limit.ts';
import type { UpstreamExit } from './upstream.ts';

export interface RelayLimits {
  /** Longest line of the client, default 16 MiB: a longer one is refused, the connection stays. */
  readonly maxClientLineBytes: number;
  /** Longest line of the upstream, default 64 MiB: a longer one ends the upstream. */
  readonly maxUpstreamLineBytes: number;
  /**
   * How long a request may wait, for its turn and then again for its response, without a sign of life; 30 s.
   */
  readonly upstreamTimeoutMs: number;
  /** Requests under way; at this many the client is not read. Default 1,024. */
  readonly maxPending: number;
  /** How long requests may finish after the client has gone, and then the upstream; default 5 s each. */
  readonly graceMs: number;
}

export const DEFAULT_LIMITS: RelayLimits = {
  maxClientLineBytes: 16 * 1024 * 1024,
  maxUpstreamLineBytes: 64 * 1024 * 1024,
  upstreamTimeoutMs: 30_000,
  maxPending: 1024,
  graceMs: 5_000,
};

export interface RelayOptions {
  /** Lines of two streams, or a transport of its own. */
  readonly client: { readonly input: Readable; readonly output: Writable } | ClientLink;
  readonly upstream: ({ readonly input: Writable; readonly output: Readable } | UpstreamLink) & {
    readonly done: Promise<UpstreamExit>;
    /** Ends what has not ended by itself; without it the relay can only close the upstream's input. */
    readonly stop?: () => Promise<void>;
  };
  readonly decider: Decider;
  readonly events: RelayEvents;
  readonly limits?: Partial<RelayLimits>;
  readonly newRequestId: () => string;
  /** Before the names of this upstream's tools and prompts, as the policy knows them; default: nothing. */
  readonly targetPrefix?: string;
}

export type RelayEndReason = 'client-closed' | 'upstream-exited' | 'upstream-line-too-long' | 'closed';

export interface RelayEnd {
  readonly reason: RelayEndReason;
  /** How the upstream ended; both null where it could not be made to in time. */
  readonly upstream: UpstreamExit;
}

export interface Relay {
  /** Resolves when every request is answered, every outcome recorded and the upstream gone. */
  readonly closed: Promise<RelayEnd>;
  /** Reads no more from the client, answers what waits, and ends the upstream. */
  close(): Promise<void>;
}

const MAX_TASKS = 10_000;
const MAX_CLIENT_TASKS = 1_000;
const MAX_CLIENT_TASK_BYTES = 16 * 1024 * 1024;
const UNKNOWN_EXIT: UpstreamExit = { code: null, signal: null };

/**
 * Relays one client and one upstream, line by line. Nothing is forwarded undecided, nothing that was decided
 * is lost.
 */
export function startRelay(options: RelayOptions): Relay {
  const { upstream, decider, events, newRequestId, targetPrefix = '' } = options;
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const changes = new Changes();
  let end: (reason: RelayEndReason) => void = () => {};
  const ending = new Promise<RelayEndReason>((resolve) => {
    end = resolve;
  });

  const client = clientLink(options.client, limits);
  const clientOut = client.open({
    failed: () => end('client-closed'),
    blocked: (blocked) => {
      if (blocked) pending.suspendClocks('client-does-not-read');
      else pending.resumeClocks('client-does-not-read');
      changes.announce();
    },
  });
  const link = 'outlet' in upstream ? upstream : undefined;
  const upstreamOut = 'outlet' in upstream ? upstream.outlet : new Outlet(upstream.input);
  const upstreamSource =
    'outlet' in upstream ? upstream.source : new LineReader(upstream.output, limits.maxUpstreamLineBytes);
  const pending = new PendingTable(limits.maxPending, limits.upstreamTimeoutMs, expire, () =>
    changes.announce(),
  );
  const serverRequests = new ServerRequests(limits.maxPending, (anyWaits) => {
    if (anyWaits) pending.suspendClocks('server-asks-client');
    else pending.resumeClocks('server-asks-client');
    changes.announce();
  });
  const tasks = new TaskTable(MAX_TASKS);
  const clientTasks = new ClientTasks(MAX_CLIENT_TASKS, MAX_CLIENT_TASK_BYTES);
  const outcomes = new Outcomes(decider, events, pending, clientOut, limits.upstreamTimeoutMs);
  link?.onLoss((loss) => {
    events.emit('mcp.upstream-lost', { code: loss.code });
    void outcomes.lose(loss);
  });
  const shared = {
    clientOut,
    upstreamOut,
    pending,
    tasks,
    clientTasks,
    serverRequests,
    outcomes,
    decider,
    events,
    changes,
    targetPrefix,
  };
  const forwarder = new Forwarder({
    ...shared,
    newRequestId,
    maxQueuedBytes: limits.maxClientLineBytes,
    maxQueuedLines: limits.maxPending,
  });
  const intake = new Intake({
    ...shared,
    forwarder,
    reader: client.source,
    maxLineBytes: limits.maxClientLineBytes,
    maxPending: limits.maxPending,
  });
  const deliverer = new Deliverer({
    ...shared,
    reader: upstreamSource,
    maxLineBytes: limits.maxUpstreamLineBytes,
  });

  const exited = upstream.done.catch(() => UNKNOWN_EXIT);
  const delivered = deliverer.run();
  void delivered.then((why) => end(why === 'end' ? 'upstream-exited' : 'upstream-line-too-long'));
  // What it wrote before it exited is still to be read; a grandchild that holds the pipe open is not waited
  // for.
  const gone = exited.then(() => within(limits.graceMs, delivered)).then(() => end('upstream-exited'));
  void intake.run().then(() => end('client-closed'));

  function expire(late: Parameters<Outcomes['giveUp']>[0]): void {
    events.emit('mcp.upstream-timeout', { milliseconds: limits.upstreamTimeoutMs });
    const why = `the server did not answer within ${limits.upstreamTimeoutMs} ms`;
    void outcomes.giveUp(late, 'UPSTREAM_TIMEOUT', why);
    link?.abandon(late.key);
  }

  async function finish(reason: RelayEndReason): Promise<RelayEnd> {
    events.emit('mcp.relay-ending', { reason });
    if (reason === 'client-closed') {
      const quiet = changes.until(
        () =>
          forwarder.isIdle &&
          pending.all().every(({ abandoned, stage }) => abandoned && stage !== 'settling'),
      );
      await within(limits.graceMs, Promise.race([quiet, delivered, gone]));
    }
    intake.stop();
    forwarder.stop();
    const [code, why] =
      reason === 'upstream-exited' || reason === 'upstream-line-too-long'
        ? (['UPSTREAM_CLOSED', 'the server has gone'] as const)
        : (['RELAY_CLOSED', 'the relay is closing'] as const);
    await Promise.all(pending.all().map((request) => outcomes.giveUp(request, code, why)));
    await within(
      limits.upstreamTimeoutMs,
      changes.until(() => !forwarder.isDeciding),
    );

    const exit = await endUpstream();
    clientOut.stopWaiting();
    deliverer.stop();
    await within(limits.upstreamTimeoutMs, delivered);
    await Promise.all(tasks.takeAll().map((task) => outcomes.closeTask(task)));
    await within(limits.graceMs, clientOut.flushed());
    pending.stopAllClocks();
    return { reason, upstream: exit };
  }

  async function endUpstream(): Promise<UpstreamExit> {
    upstreamOut.end();
    const byItself = await within(limits.graceMs, exited);
    await upstream.stop?.(); // also where it has exited: what it started may still run
    return byItself ?? (await within(limits.graceMs, exited)) ?? UNKNOWN_EXIT;
  }

  const closed = ending.then(finish);
  return {
    closed,
    async close() {
      end('closed');
      await closed;
    },
  };
}

function clientLink(client: RelayOptions['client'], limits: RelayLimits): ClientLink {
  if ('source' in client) return client;
  return {
    source: new LineReader(client.input, limits.maxClientLineBytes),
    open: (events: OutletEvents) => new Outlet(client.output, events),
  };
}
