import type { Writable } from 'node:stream';
import { UpstreamError } from '../errors.ts';
import {
  type CallersToken,
  type Credentials,
  exchanged,
  NO_CREDENTIALS,
  passedOn,
} from '../http-upstream/credentials.ts';
import {
  checkUpstreamName,
  httpUrl,
  type StdioUpstreamDefinition,
  type UpstreamDefinition,
} from '../http-upstream/definition.ts';
import { HttpConnection } from '../http-upstream/http-connection.ts';
import { HttpUpstream } from '../http-upstream/http-upstream.ts';
import { TokenExchanger } from '../http-upstream/token-exchanger.ts';
import type { RelayEvents } from '../ports.ts';
import type { RelayOptions } from '../relay.ts';
import { spawnUpstream, type Upstream } from '../upstream.ts';
import type { McpLimits } from './limits.ts';

export interface UpstreamsOptions {
  readonly definitions: ReadonlyMap<string, UpstreamDefinition>;
  readonly events: RelayEvents;
  readonly limits: Pick<McpLimits, 'maxUpstreamLineBytes' | 'upstreamTimeoutMs' | 'maxProcesses'>;
  readonly secret: (name: string) => Promise<string>;
  readonly now: () => number;
  /** Where the stderr of stdio servers goes; default: ours. */
  readonly stderr?: Writable | undefined;
}

/** The configured servers, and what all sessions share of them: connections and exchanged tokens. */
export class Upstreams {
  private readonly connections = new Map<string, HttpConnection>();
  private readonly exchangers = new Map<string, TokenExchanger>();

  private processes = 0;

  constructor(private readonly options: UpstreamsOptions) {
    for (const [name, definition] of options.definitions) {
      checkUpstreamName(name);
      if (definition.kind !== 'http') continue;
      const { url, ca, authorization } = definition;
      this.connections.set(name, new HttpConnection(httpUrl(url), ca));
      if (typeof authorization === 'string') continue;
      const { secret, now } = options;
      this.exchangers.set(name, new TokenExchanger({ exchange: authorization.exchange, secret, now, ca }));
    }
  }

  get names(): readonly string[] {
    return [...this.options.definitions.keys()];
  }

  /** Starts or connects the server for one session. Rejects by name where it cannot be started. */
  async open(name: string, callerKey: string, token: CallersToken): Promise<RelayOptions['upstream']> {
    const { events, limits } = this.options;
    const definition = this.definition(name);
    if (definition.kind === 'stdio') return this.spawn(definition);
    const connection = this.connections.get(name);
    if (connection === undefined) throw new Error(`expected a connection for \`${name}\``);
    return new HttpUpstream({
      connection,
      credentials: this.credentials(name, callerKey, token),
      events,
      maxMessageBytes: limits.maxUpstreamLineBytes,
      lateMs: limits.upstreamTimeoutMs,
    });
  }

  private async spawn({ command, args, cwd, env }: StdioUpstreamDefinition): Promise<Upstream> {
    const { limits, stderr } = this.options;
    if (this.processes >= limits.maxProcesses) {
      const text = `expected at most ${limits.maxProcesses} servers over stdio at once; end some sessions`;
      throw new UpstreamError('TOO_MANY_PROCESSES', text);
    }
    this.processes++;
    try {
      const upstream = await spawnUpstream(command, args, {
        cwd,
        env,
        ...(stderr !== undefined && { stderr }),
      });
      void upstream.done.then(() => this.processes--);
      return upstream;
    } catch (error) {
      this.processes--;
      throw error;
    }
  }

  prefixOf(name: string): string {
    return this.definition(name).prefix;
  }

  /** Whether the upstream's own refusal of a token is the caller's business: then its status must not be hidden. */
  passesTokens(name: string): boolean {
    const definition = this.options.definitions.get(name);
    return definition?.kind === 'http' && definition.authorization === 'pass';
  }

  /** A caller sends one token: where several servers would get it, each could use it at the others. */
  isOneOfSeveralPassing(name: string): boolean {
    return this.passesTokens(name) && this.names.filter((other) => this.passesTokens(other)).length > 1;
  }

  async close(): Promise<void> {
    const all = [...this.connections.values(), ...this.exchangers.values()];
    await Promise.all(all.map((each) => each.close()));
  }

  private definition(name: string): UpstreamDefinition {
    const definition = this.options.definitions.get(name);
    if (definition === undefined) throw new Error(`expected a configured upstream, came \`${name}\``);
    return definition;
  }

  private credentials(name: string, callerKey: string, token: CallersToken): Credentials {
    const exchanger = this.exchangers.get(name);
    if (exchanger !== undefined) return exchanged(exchanger, callerKey, token);
    return this.passesTokens(name) ? passedOn(token) : NO_CREDENTIALS;
  }
}
