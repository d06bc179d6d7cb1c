import type { IdKey } from '../message.ts';
import type { Relay } from '../relay.ts';
import { ClientChannel, type ClientChannelOptions } from './client-channel.ts';

export interface SessionOptions<Caller> extends ClientChannelOptions {
  readonly id: string;
  readonly upstream: string;
  readonly caller: Caller;
  readonly callerKey: string;
}

/** One MCP session of one caller with one upstream, or with all of them. */
export class McpSession<Caller> {
  readonly id: string;
  readonly upstream: string;
  readonly callerKey: string;
  readonly channel: ClientChannel;
  /** As last verified: a token may have been renewed meanwhile. */
  caller: Caller;
  private relay: Relay | undefined;
  private lastActive: number;
  private lastAuthorization: string | undefined;
  private readonly authorizations = new Map<IdKey, string>();
  private isEnded = false;

  constructor(private readonly options: SessionOptions<Caller>) {
    this.id = options.id;
    this.upstream = options.upstream;
    this.callerKey = options.callerKey;
    this.caller = options.caller;
    this.channel = new ClientChannel(options);
    this.lastActive = options.now();
  }

  /** Resolves when it is over, whoever ended it. */
  async run(relay: Relay): Promise<void> {
    this.relay = relay;
    if (this.isEnded) void relay.close();
    await relay.closed;
    this.channel.end();
  }

  /** Its holder showed up. */
  touch(caller: Caller, authorization: string | undefined): void {
    this.caller = caller;
    this.lastAuthorization = authorization;
    this.lastActive = this.options.now();
  }

  /** The caller's token for the upstream that came with a request, or last. */
  authorization(key: IdKey | undefined): string | undefined {
    return (key === undefined ? undefined : this.authorizations.get(key)) ?? this.lastAuthorization;
  }

  remember(key: IdKey, authorization: string | undefined): void {
    if (authorization !== undefined) this.authorizations.set(key, authorization);
  }

  forget(key: IdKey): void {
    this.authorizations.delete(key);
    this.lastActive = this.options.now();
  }

  /** For how long nobody has used it; 0 while somebody listens or waits. */
  get idleMs(): number {
    return this.channel.isListening ? 0 : this.options.now() - this.lastActive;
  }

  async end(): Promise<void> {
    this.isEnded = true;
    await this.relay?.close();
    this.channel.end();
  }
}
