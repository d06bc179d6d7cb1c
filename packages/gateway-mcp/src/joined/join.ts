import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';
import { UpstreamError } from '../errors.ts';
import type { About, ClientLink, ClientOutlet, UpstreamDenial } from '../link.ts';
import {
  type IdKey,
  idKey,
  type Message,
  type Notification,
  type Request,
  type Response,
  readMessage,
} from '../message.ts';
import { offersOwnTool } from '../own-tool.ts';
import type { RelayEvents } from '../ports.ts';
import { errorLine, INVALID_PARAMS, METHOD_NOT_FOUND, REFUSED } from '../refusal.ts';
import { type Relay, type RelayEnd, type RelayOptions, startRelay } from '../relay.ts';
import { createdTaskId } from '../tasks.ts';
import { Catalogues, isListMethod, LISTS } from './catalog.ts';
import { isOwnId, Member } from './member.ts';
import { type Introduction, mergeIntroductions } from './merge.ts';
import { Owners } from './owners.ts';
import { tagged, untagged } from './tagged-id.ts';

export interface JoinOptions {
  readonly client: ClientLink;
  readonly names: readonly string[];
  readonly prefixOf: (name: string) => string;
  /** Starts an upstream; rejects by name where it cannot be. */
  readonly member: (name: string) => Promise<Omit<RelayOptions, 'client'>>;
  readonly events: RelayEvents;
}

/**
 * Several upstreams as one server. Each has a relay of its own, which decides on what is sent to it: here nothing is
 * decided, only brought to the right one, under the names by which that one knows it.
 */
export function joinUpstreams(options: JoinOptions): Relay {
  const join = new Join(options);
  const closed = join.run();
  return {
    closed,
    async close() {
      options.client.source.stop();
      await closed;
    },
  };
}

class Join {
  private readonly outlet: ClientOutlet;
  private readonly members: Member[];
  private readonly catalogues: Catalogues;
  private readonly owners: Owners;
  /** Which member has a request of the client, and whether its answer may be the handle of a task. */
  private readonly forwarded = new Map<IdKey, { readonly member: Member; readonly asTask: boolean }>();

  constructor(private readonly options: JoinOptions) {
    this.outlet = options.client.open({
      failed: () => options.client.source.stop(),
      blocked: (blocked) => {
        for (const member of this.members) member.blocked(blocked);
      },
    });
    this.members = options.names.map(
      (name, index) =>
        new Member(index, name, options.prefixOf(name), this.outlet, (member, line, about) =>
          this.hear(member, line, about),
        ),
    );
    this.catalogues = new Catalogues(this.members, options.events);
    this.owners = new Owners(this.members, this.catalogues);
  }

  async run(): Promise<RelayEnd> {
    const { source } = this.options.client;
    for (let event = await source.next(); event !== undefined; event = await source.next()) {
      if (event.kind === 'line') this.accept(event.message ?? readMessage(event.bytes));
    }
    await Promise.all(this.members.map(({ relay }) => relay?.close()));
    return { reason: 'client-closed', upstream: { code: null, signal: null } };
  }

  private accept(message: Message): void {
    switch (message.kind) {
      case 'request':
        void this.request(message).catch(() => {
          this.options.events.emit('mcp.join-failed', {});
          this.refuse(message, REFUSED, 'UPSTREAM_CLOSED', 'expected an upstream to answer');
        });
        break;
      case 'notification':
        this.notification(message);
        break;
      case 'response':
        this.response(message);
        break;
      default:
        this.options.events.emit('mcp.client-line-refused', { code: 'NOT_A_MESSAGE' });
    }
  }

  private async request(request: Request): Promise<void> {
    const { method, key } = request;
    const params = request.params ?? {};
    if (isOwnId(key)) return this.refuse(request, INVALID_PARAMS, 'ID_IN_USE', 'expected another request id');
    if (method === 'initialize') return this.initialize(request);
    if (method === 'ping') return this.answer(request, {});
    if (isListMethod(method)) {
      if (field(params, 'cursor') !== undefined) {
        return this.refuse(request, INVALID_PARAMS, 'INVALID_PARAMS', 'expected no cursor; lists come whole');
      }
      const { items } = await this.catalogues.read(method);
      return this.answer(request, { [LISTS[method].items]: [...items] });
    }
    if (method === 'logging/setLevel') {
      const able = this.members.filter((member) => member.can('logging'));
      const answers = await Promise.all(able.map((member) => member.ask(method, params)));
      const failed = answers.find((answer) => !answer.ok);
      if (failed?.ok === false) return this.write(request, { error: failed.error });
      return this.answer(request, {});
    }
    const found = await this.owners.of(method, params);
    if (found.kind === 'unknown-method') {
      return this.refuse(request, METHOD_NOT_FOUND, 'UNKNOWN_METHOD', 'expected a method of MCP 2025-11-25');
    }
    if (found.kind === 'nobody') {
      return this.refuse(request, INVALID_PARAMS, 'INVALID_PARAMS', 'expected what some upstream offers');
    }
    const { member } = found;
    this.forwarded.set(key, { member, asTask: field(params, 'task') !== undefined });
    member.send({ jsonrpc: '2.0', id: request.id, method, params: found.params });
  }

  /** All are asked; who does not come up is left out, unless nobody does. */
  private async initialize(request: Request): Promise<void> {
    const { events } = this.options;
    const introductions: Introduction[] = [];
    let denied: UpstreamDenial | undefined;
    const begun = await Promise.all(
      this.members.map(async (member) => {
        const problem = await this.start(member);
        return { member, problem, answer: problem ?? (await member.ask('initialize', request.params)) };
      }),
    );
    for (const { member, answer } of begun) {
      if (typeof answer !== 'string' && answer.ok && isJsonObject(answer.result)) {
        const capabilities = field(answer.result, 'capabilities');
        member.capabilities = isJsonObject(capabilities) ? capabilities : {};
        introductions.push({ name: member.name, result: answer.result });
        continue;
      }
      if (typeof answer !== 'string' && !answer.ok) denied ??= answer.denied;
      const code = typeof answer === 'string' ? answer : 'INITIALIZE_FAILED';
      events.emit('mcp.joined-upstream-missing', { upstream: member.name, code });
      void member.relay?.close();
    }
    if (introductions.length > 0) return this.answer(request, mergeIntroductions(introductions));
    this.refuse(request, REFUSED, 'UPSTREAM_NOT_STARTED', 'expected an upstream to start; none did', denied);
  }

  /** Undefined where its relay runs, else why not. */
  private async start(member: Member): Promise<string | undefined> {
    if (member.relay !== undefined) return undefined;
    try {
      const options = await this.options.member(member.name);
      member.offersOwnTool = () => offersOwnTool(options.decider);
      member.relay = startRelay({ client: member, ...options });
    } catch (error) {
      if (error instanceof UpstreamError) return error.code;
      throw error;
    }
    void member.relay.closed.then(() => {
      member.leave();
      this.catalogues.forgetAll();
      if (this.members.every(({ isAlive }) => !isAlive)) this.options.client.source.stop();
    });
    return undefined;
  }

  private notification({ method, params }: Notification): void {
    const message = { jsonrpc: '2.0', method, ...(params !== undefined && { params }) };
    const { members, owners, forwarded } = this;
    if (method === 'notifications/cancelled') {
      const key = idKey(field(params, 'requestId'));
      if (key !== undefined) this.tell(forwarded.get(key)?.member, message);
    } else if (method === 'notifications/progress') {
      const token = untagged(field(params, 'progressToken'));
      if (token === undefined) return;
      this.tell(members[token.member], { ...message, params: { ...params, progressToken: token.id } });
    } else if (method === 'notifications/tasks/status') {
      this.tell(owners.ofClientTask(field(params, 'taskId')), message);
    } else for (const member of members) if (member.isAlive) this.tell(member, message);
  }

  private response({ whole, body }: Response): void {
    const own = untagged(field(whole, 'id'));
    const member = own && this.members[own.member];
    if (own === undefined || member === undefined) {
      this.options.events.emit('mcp.unexpected-response', {});
      return;
    }
    const taskId = body.ok ? createdTaskId(body.result) : undefined;
    if (taskId !== undefined) this.owners.addClientTask(taskId, member);
    this.tell(member, { ...whole, id: own.id });
  }

  private tell(member: Member | undefined, message: { readonly [name: string]: JsonValue }): void {
    if (member?.tell(message) === false) {
      this.options.events.emit('mcp.upstream-does-not-read', { upstream: member.name });
    }
  }

  /** What a member's relay has for the client. */
  private hear(member: Member, line: Uint8Array | string, about: About): void {
    if (about.kind === 'answer') {
      const request = about.key === undefined ? undefined : this.forwarded.get(about.key);
      if (about.key !== undefined) this.forwarded.delete(about.key);
      if (request?.asTask === true) this.noteTask(member, line);
      this.outlet.write(line, about);
      return;
    }
    const message = readMessage(Buffer.from(line));
    if (message.kind === 'notification') this.catalogues.forgetAfter(message.method);
    this.outlet.write(message.kind === 'request' ? taggedRequest(member, message) : line, about);
  }

  private noteTask(member: Member, line: Uint8Array | string): void {
    const message = readMessage(Buffer.from(line));
    const taskId =
      message.kind === 'response' && message.body.ok ? createdTaskId(message.body.result) : undefined;
    if (taskId !== undefined) this.owners.addTask(taskId, member);
  }

  private answer(request: Request, result: JsonObject): void {
    this.write(request, { result });
  }

  private write({ id, key }: Request, body: { readonly [name: string]: JsonValue }): void {
    this.outlet.write(`${stringifyJson({ jsonrpc: '2.0', id, ...body })}\n`, { kind: 'answer', key });
  }

  private refuse(
    { id, key }: Request,
    rpcCode: number,
    code: string,
    text: string,
    denied?: UpstreamDenial,
  ): void {
    this.options.events.emit('mcp.client-line-refused', { code });
    this.outlet.write(errorLine(id, rpcCode, text, { code }), { kind: 'answer', key, denied });
  }
}

function taggedRequest(member: Member, { id, method, params }: Request): string {
  const meta = field(params, '_meta');
  const token = field(meta, 'progressToken');
  const isToken = typeof token === 'string' || typeof token === 'number' || typeof token === 'bigint';
  const renamed =
    isJsonObject(params) && isJsonObject(meta) && isToken
      ? { ...params, _meta: { ...meta, progressToken: tagged(member.index, token) } }
      : params;
  const message = { jsonrpc: '2.0', id: tagged(member.index, id), method };
  return `${stringifyJson(renamed === undefined ? message : { ...message, params: renamed })}\n`;
}
